"""Rewriting: the segments that failed a check are written anew, one by one, and nothing else.

The model is not shown what it wrote: a small one copies it, faults and all.
"""

from langgraph.runtime import Runtime

from ..context import RunContext, model_of
from ..messages import say
from ..prompts import load
from ..state import Output
from .story import WORKFLOW, StoryBrief, StoryPlan, StoryState, opening_of
from .story_generate import (
    PART,
    TEMPERATURE,
    TOKENS,
    TOO_MUCH,
    length_fields,
    new_text,
    seed,
    the_plan,
    told_so_far,
)
from .story_text import chinese_share, count, cut, repeated, sentences
from .turns import Stopwatch, instructions_of, tell

ASK = load("story_rewrite")
ACTOR = "rewrite_story"
NEIGHBOUR = 60
"""Units of the text before and after that a rewriting sees."""
INSTRUCTIONS = 40
"""Units of the Coordinator's instructions that are passed on; a small one's run on."""
STEP = 0.6
"""Share of a piece's length by which one rewriting may lengthen or shorten it."""


async def open_draft(state: StoryState) -> StoryState:
    """Take up the story that failed its checks. Writes `brief`, `plan`, `segments` and
    `to_rewrite`."""
    data = state["outputs"][WORKFLOW].data
    return {
        "brief": StoryBrief(**data["request"]),
        "plan": StoryPlan(**data["plan"]) if data["plan"] else None,
        "segments": data["segments"],
        "to_rewrite": sorted({place for places in data["faults"].values() for place in places}),
    }


async def rewrite_segment(state: StoryState, runtime: Runtime[RunContext]) -> StoryState:
    """Write the next faulty segment anew; of a long one the piece that is at fault."""
    watch, model = Stopwatch(), await model_of(runtime)
    brief, plan, place = state["brief"], the_plan(state), state["to_rewrite"][0]
    segments = [*state["segments"], *[""] * (len(plan.points) - len(state["segments"]))]
    pieces = pieces_of(segments[place], PART[brief.language])
    worst = worst_piece(pieces, brief, "\n".join(segments[:place]))
    wanted = wanted_length(state, count(pieces[worst]))
    before, after = _around(state, segments, pieces, place, worst)
    reply = await model.text(
        [
            *told_so_far(state, "", before),
            *ASK[brief.language].messages(
                **length_fields(wanted, brief.language),
                after=after or "-",
                problems=problems(state, place),
                number=place + 1,
                point=plan.points[place],
            ),
        ],
        max_tokens=round(TOKENS * wanted * TOO_MUCH) + 60,
        temperature=TEMPERATURE,
        seed=seed(state, place),
    )
    elsewhere = "\n".join([opening_of(state), *segments[:place], *segments[place + 1 :]])
    text = new_text(reply.value, elsewhere)
    if count(text) > wanted * TOO_MUCH:
        text = cut(text, wanted, keep_end=True)
    tell(ACTOR, text)
    pieces[worst] = text or pieces[worst]
    segments[place] = "\n\n".join(pieces)
    return {
        "segments": segments,
        "to_rewrite": state["to_rewrite"][1:],
        "spent": reply.usage,
        "seconds": watch.seconds,
    }


def pieces_of(segment: str, length: int) -> list[str]:
    """A segment in pieces of whole paragraphs, of about that many units, at least one."""
    pieces = [""]
    for paragraph in segment.split("\n\n"):
        if pieces[-1] and count(pieces[-1]) + count(paragraph) > length:
            pieces.append(paragraph)
        else:
            pieces[-1] = f"{pieces[-1]}\n\n{paragraph}".strip()
    return pieces


def worst_piece(pieces: list[str], brief: StoryBrief, before: str) -> int:
    """The piece that repeats most or is least in the story's language; where none stands out the
    last one, as something may still be added there."""
    shares = repeated(pieces, brief.language, before)
    foreign = [chinese_share(p) if brief.language == "en" else 1 - chinese_share(p) for p in pieces]
    return max(range(len(pieces)), key=lambda n: (round(shares[n] + foreign[n], 1), n))


def wanted_length(state: StoryState, now: int) -> int:
    """How long the rewritten piece is to be: as long as it is, and its part of what the whole
    story lacks or has too much."""
    brief, segments = state["brief"], state["segments"]
    lacking = (brief.length - count("\n".join(segments))) / len(state["to_rewrite"])
    usual = min(PART[brief.language], brief.length // max(1, len(segments)))
    return round(min(max(now + lacking, now * (1 - STEP)), max(now * (1 + STEP), usual)))


def problems(state: StoryState, place: int) -> str:
    """What is wrong with the segment, in words, and what the Coordinator says of it."""
    brief, written = state["brief"], state["outputs"][WORKFLOW]
    fields = {
        "point": the_plan(state).points[place],
        "names": ", ".join(_missing(written)),
        "detail": next((c.detail for c in written.checks if c.name == "length"), ""),
    }
    faults = [name for name, places in written.data["faults"].items() if place in places]
    lines = [say(f"stories.problem.{name}", brief.language, **fields) for name in faults]
    told = cut(instructions_of(state), INSTRUCTIONS)
    return "\n".join(f"- {line}" for line in [*lines, told] if line)


def _missing(written: Output) -> list[str]:
    missing: list[str] = written.data["missing"]
    return missing


def _around(
    state: StoryState, segments: list[str], pieces: list[str], place: int, worst: int
) -> tuple[str, str]:
    """The end of what stands before a piece, and the beginning of what stands after it."""
    before = "\n\n".join([opening_of(state), *segments[:place], *pieces[:worst]])
    after = "\n\n".join([*pieces[worst + 1 :], *segments[place + 1 :]])
    return _last(before), cut(after[: NEIGHBOUR * 12], NEIGHBOUR) if after else ""


def _last(text: str) -> str:
    kept = ""
    for sentence in reversed(sentences(text[-NEIGHBOUR * 12 :])):
        if kept and count(kept) + count(sentence) > NEIGHBOUR:
            break
        kept = sentence + kept
    return kept.strip()
