"""Rewriting: only the segments that failed a check are rewritten, one by one.

The model is not shown what it wrote: a small one copies it, faults included.
"""

from langchain_core.messages import AnyMessage
from langgraph.runtime import Runtime

from ...context import RunContext, resolve_model
from ...language.messages import say
from ...language.text import count_units, measure_chinese_share, split_sentences
from ...prompts import load_prompt
from ...state import Output, Usage
from ..turns import Stopwatch, get_instructions, report_progress
from .contracts import WORKFLOW, StoryBrief, StoryPlan, StoryState, opening_of
from .generate import (
    MAX_LENGTH_FACTOR,
    PART_UNITS,
    TEMPERATURE,
    TOKENS_PER_UNIT,
    build_story_messages,
    derive_seed,
    length_fields,
    new_text,
    require_plan,
)
from .text import cut_to_length, measure_repetition

ASK = load_prompt("story/rewrite")
MORE = load_prompt("story/part")
ACTOR = "rewrite_story"
CONTEXT_UNITS = 60
"""Units of the surrounding text, before and after, shown for a rewrite."""
MAX_INSTRUCTION_UNITS = 40
"""Units of the Coordinator's instructions passed on; those of a small model run on."""
MAX_LENGTH_STEP = 0.6
"""Share of a piece's length by which one rewrite may lengthen or shorten it."""


async def open_draft(state: StoryState) -> StoryState:
    """Load the story that failed its checks. Writes `brief`, `plan`, `segments` and
    `to_rewrite`."""
    data = state["outputs"][WORKFLOW].data
    return {
        "brief": StoryBrief(**data["request"]),
        "plan": StoryPlan(**data["plan"]) if data["plan"] else None,
        "segments": data["segments"],
        "to_rewrite": sorted({place for places in data["faults"].values() for place in places}),
    }


async def rewrite_segment(state: StoryState, runtime: Runtime[RunContext]) -> StoryState:
    """Repair the next faulty segment, or the faulty piece of a long one. If it is only too long, it
    is cut; if only too short, continued; otherwise rewritten."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    brief = state["brief"]
    plan = require_plan(state)
    place = state["to_rewrite"][0]
    segments = [*state["segments"], *[""] * (len(plan.points) - len(state["segments"]))]
    pieces = pieces_of(segments[place], PART_UNITS[brief.language])
    worst = worst_piece(pieces, brief, "\n".join(segments[:place]))
    old = pieces[worst]
    wanted = wanted_length(state, count_units(pieces[worst]))
    only_length = faults_of(state, place) == ["length"]
    spent = Usage()
    if only_length and wanted < count_units(old):
        text = cut_to_length(old, wanted, keep_end=True)
    else:
        grows = only_length and bool(old)
        wanted -= count_units(old) if grows else 0
        before, after = _extract_surroundings(state, segments, pieces, place, worst + grows)
        reply = await model.generate_text(
            [
                *build_story_messages(state, "", before),
                *_build_rewrite_messages(state, place, after, wanted, grows=grows),
            ],
            max_tokens=round(TOKENS_PER_UNIT * wanted * MAX_LENGTH_FACTOR) + 60,
            temperature=TEMPERATURE,
            seed=derive_seed(state, place),
            aloud=True,
            varied=True,
        )
        others = [*segments[:place], *segments[place + 1 :], old if grows else ""]
        text = new_text(reply.value, "\n".join([opening_of(state), *others]), brief)
        if count_units(text) > wanted * MAX_LENGTH_FACTOR:
            text = cut_to_length(text, wanted, keep_end=True)
        spent = reply.usage
        text = f"{old}\n\n{text}".strip() if grows else text or old
    report_progress(ACTOR, text)
    pieces[worst] = text
    segments[place] = "\n\n".join(pieces)
    left = state["to_rewrite"][1:]
    return {
        "segments": segments,
        "to_rewrite": left,
        "spent": spent,
        "seconds": watch.seconds,
    }


def pieces_of(segment: str, length: int) -> list[str]:
    """Split a segment into one or more pieces of whole paragraphs, of about `length` units."""
    pieces = [""]
    for paragraph in segment.split("\n\n"):
        if pieces[-1] and count_units(pieces[-1]) + count_units(paragraph) > length:
            pieces.append(paragraph)
        else:
            pieces[-1] = f"{pieces[-1]}\n\n{paragraph}".strip()
    return pieces


def worst_piece(pieces: list[str], brief: StoryBrief, before: str) -> int:
    """Return the index of the piece that repeats most or is least in the story's language; if none
    stands out, of the last one, where text can still be added."""
    shares = measure_repetition(pieces, brief.language, before)
    foreign = [measure_chinese_share(piece) for piece in pieces]
    if brief.language == "zh":
        foreign = [1 - share for share in foreign]
    return max(range(len(pieces)), key=lambda n: (round(shares[n] + foreign[n], 1), n))


def wanted_length(state: StoryState, now: int) -> int:
    """Return the units of the rewritten piece: its present length, and its share of what the whole
    story has too little or too much."""
    brief = state["brief"]
    segments = state["segments"]
    lacking = (brief.length - count_units("\n".join(segments))) / len(state["to_rewrite"])
    usual = min(PART_UNITS[brief.language], brief.length // max(1, len(segments)))
    return round(
        min(
            max(now + lacking, now * (1 - MAX_LENGTH_STEP)), max(now * (1 + MAX_LENGTH_STEP), usual)
        )
    )


def faults_of(state: StoryState, place: int) -> list[str]:
    """Return the names of the checks that the segment failed."""
    faults = state["outputs"][WORKFLOW].data["faults"]
    return [name for name, places in faults.items() if place in places]


def describe_problems(state: StoryState, place: int) -> str:
    """Describe the segment's faults, followed by the Coordinator's instructions."""
    brief = state["brief"]
    written = state["outputs"][WORKFLOW]
    fields = {
        "point": require_plan(state).points[place],
        "names": ", ".join(_get_missing_names(written)),
        "detail": next((c.detail for c in written.checks if c.name == "length"), ""),
    }
    lines = [
        say(f"stories.problem.{name}", brief.language, **fields) for name in faults_of(state, place)
    ]
    instructions = cut_to_length(get_instructions(state), MAX_INSTRUCTION_UNITS)
    return "\n".join(f"- {line}" for line in [*lines, instructions] if line)


def _build_rewrite_messages(
    state: StoryState, place: int, after: str, wanted: int, *, grows: bool
) -> list[AnyMessage]:
    """Build the request for more of a segment, or for the segment in other words."""
    language = state["brief"].language
    point = require_plan(state).points[place]
    fields = {"number": place + 1, "point": point, **length_fields(wanted, language)}
    if grows:
        return MORE[language].messages(hint=say("stories.hint.more", language), **fields)
    return ASK[language].messages(
        after=after or "-", problems=describe_problems(state, place), **fields
    )


def _get_missing_names(written: Output) -> list[str]:
    missing: list[str] = written.data["missing"]
    return missing


def _extract_surroundings(
    state: StoryState, segments: list[str], pieces: list[str], place: int, worst: int
) -> tuple[str, str]:
    """Return the end of the text before a piece, and the beginning of the text after it."""
    before = "\n\n".join([opening_of(state), *segments[:place], *pieces[:worst]])
    after = "\n\n".join([*pieces[worst + 1 :], *segments[place + 1 :]])
    return _extract_last_sentences(before), cut_to_length(
        after[: CONTEXT_UNITS * 12], CONTEXT_UNITS
    ) if after else ""


def _extract_last_sentences(text: str) -> str:
    kept = ""
    for sentence in reversed(split_sentences(text[-CONTEXT_UNITS * 12 :])):
        if kept and count_units(kept) + count_units(sentence) > CONTEXT_UNITS:
            break
        kept = sentence + kept
    return kept.strip()
