"""StoryGenerate: writes a story plot point by plot point, long ones in several parts.

Each call sees the plan, the running summary and the latest text, all of bounded length, so that its
prompt does not grow with the story. The requested length depends on what has been written: each
plot point may use an equal share of the story's remaining length.
"""

import math

from langchain_core.messages import AIMessage, AnyMessage
from langgraph.runtime import Runtime

from ...context import RunContext, resolve_model
from ...language.messages import Language, say
from ...language.text import count_units
from ...prompts import load_prompt
from ...state import turns
from ..turns import Stopwatch, report_progress
from .contracts import WORKFLOW, StoryBrief, StoryPlan, StoryState, opening_of
from .summary import summarize_story
from .text import (
    cut_to_length,
    drop_unfinished_sentence,
    extract_prose,
    without_foreign,
    without_repeats,
)

HEAD = load_prompt("story/generate")
ASK = load_prompt("story/part")
PART_UNITS: dict[Language, int] = {"en": 240, "zh": 360}
"""Most units to be written in one call."""
SENTENCE_UNITS: dict[Language, int] = {"en": 12, "zh": 18}
"""Units of a typical sentence: a small model counts sentences better than words."""
RECENT_UNITS: dict[Language, int] = {"en": 600, "zh": 900}
"""Units of the latest text shown verbatim; older text is in the summary."""
TOKENS_PER_UNIT = 2
"""Tokens allowed per unit; Qwen's tokenizer takes 1.3 per word and 0.7 per character."""
MAX_MISSING_SHARE, MAX_LENGTH_FACTOR = 0.2, 1.15
"""Share of its length that a segment may lack before it is extended, and multiple of the intended
length that a text may have before it is cut."""
MAX_ASK_FACTOR = 2.0
"""Largest factor applied to the requested length for a model that writes too little."""
MAX_FINAL_SHORTFALL = 0.1
"""Share of the story's length that may be missing at its end."""
TEMPERATURE = 0.7
"""At 0 a small model soon repeats itself; at 0.9 it loses the thread."""
MAX_TOPIC_CHARS = 600
"""Characters of the user's words shown in each call."""
MIN_SEGMENT_UNITS = 20
"""Least length of a segment, in units, even if earlier ones have used up the story's length; a
smaller shortfall is left to the next segment."""
EXTENSIONS = 2
"""Extra calls for a segment that remains too short."""


async def write_part(state: StoryState, runtime: Runtime[RunContext]) -> StoryState:
    """Write the next part. Extends `segments`."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    brief = state["brief"]
    plan = require_plan(state)
    place, room = plan_next_part(state)
    part = room / math.ceil(room / PART_UNITS[brief.language])
    ends = place + 1 == len(plan.points) and part >= room
    reply = await model.generate_text(
        [
            *build_story_messages(state, state["summary"], state["recent"]),
            *ASK[brief.language].messages(
                **length_fields(part * _compute_ask_factor(state), brief.language),
                number=place + 1,
                point=plan.points[place],
                hint=_format_hint(state, place, ends=ends),
            ),
        ],
        max_tokens=round(TOKENS_PER_UNIT * part * MAX_LENGTH_FACTOR) + 60,
        temperature=TEMPERATURE,
        seed=derive_seed(state, place * 100 + state["parts"]),
        aloud=True,
        varied=True,
    )
    later = plan.points[place + 1 :]
    before = "\n".join([opening_of(state), *state["segments"], *later])
    text = new_text(reply.value, before, brief)
    if count_units(text) > part * MAX_LENGTH_FACTOR:
        text = cut_to_length(text, round(part), keep_end=ends)
    if text:
        report_progress(WORKFLOW, text)
    grown = state["segments"][place] if place < len(state["segments"]) else ""
    return {
        "segments": [*state["segments"][:place], f"{grown}\n\n{text}".strip()],
        "parts": state["parts"] + 1 if place < len(state["segments"]) else 1,
        "asked": state["asked"] + round(part),
        "recent": f"{state['recent']}\n\n{text}".strip(),
        "spent": reply.usage,
        "seconds": watch.seconds,
    }


def plan_next_part(state: StoryState) -> tuple[int, int]:
    """Return the place of the plot point to write next, and the units left for it. It is the point
    written last while that is too short and has calls left, else the next one."""
    segments = state["segments"]
    points = require_plan(state).points
    written = [count_units(segment) for segment in segments]
    if segments:
        place = len(segments) - 1
        share = _compute_share(state, sum(written[:-1]), len(points) - place)
        tries = math.ceil(share / PART_UNITS[state["brief"].language]) + EXTENSIONS
        bearable = max(share * MAX_MISSING_SHARE, min(MIN_SEGMENT_UNITS, share / 2))
        if len(segments) == len(points):  # text after an ending spoils it
            bearable = state["brief"].length * MAX_FINAL_SHORTFALL
        if share - written[-1] > bearable and state["parts"] < tries:
            return place, share - written[-1]
    left = max(1, len(points) - len(segments))
    return len(segments), _compute_share(state, sum(written), left)


async def remember(state: StoryState, runtime: Runtime[RunContext]) -> StoryState:
    """Move everything but the latest paragraph into the running summary."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    older, _, latest = state["recent"].rpartition("\n\n")
    language = state["brief"].language
    reply = await summarize_story(model, state["summary"], older, language)
    return {
        "summary": reply.value or state["summary"],
        "recent": latest,
        "spent": reply.usage,
        "seconds": watch.seconds,
    }


def after_part(state: StoryState) -> str:
    """Return the node that follows a part: the next part, the summary, or the checks."""
    place, _ = plan_next_part(state)
    if place >= len(require_plan(state).points):
        return "judge"
    recent = state["recent"]
    too_long = count_units(recent) > RECENT_UNITS[state["brief"].language] and "\n\n" in recent
    return "remember" if too_long else "write_part"


def require_plan(state: StoryState) -> StoryPlan:
    """Return the plan, which exists whenever a part is written."""
    plan = state["plan"]
    assert plan is not None  # noqa: S101  (only a role-play turn has none)
    return plan


def build_story_messages(state: StoryState, summary: str, recent: str) -> list[AnyMessage]:
    """Build the conversation up to the next part: the story's outline, then the text so far as the
    model's own turn, which it continues more readily than a text shown to it."""
    brief = state["brief"]
    plan = require_plan(state)
    names = dict.fromkeys([*brief.characters, *plan.characters])
    story_so_far = say("stories.before", brief.language, summary=summary) if summary else ""
    head = HEAD[brief.language].messages(
        topic=brief.topic[:MAX_TOPIC_CHARS],
        style=brief.style or "-",
        characters=", ".join(names) or "-",
        title=plan.title,
        plot="\n".join(f"{n}. {point}" for n, point in enumerate(plan.points, 1)),
        summary=story_so_far,
    )
    return [*head, AIMessage(f"# {plan.title}\n\n{recent}".strip())]


def length_fields(part: float, language: Language) -> dict[str, int]:
    """Return the prompt's length fields, in round numbers."""
    return {
        "length": max(10, round(part / 10) * 10),
        "sentences": max(1, round(part / SENTENCE_UNITS[language])),
    }


def new_text(reply: str, before: str, brief: StoryBrief) -> str:
    """Return what a reply adds to a story: complete sentences of prose in the story's language that
    are not in it already. A role-play character may use another language."""
    text = drop_unfinished_sentence(extract_prose(reply))
    if brief.kind != "role_play":
        text = without_foreign(text, brief.language, f"{brief.topic} {brief.style} {before}")
    return without_repeats(text, before, brief.language)


def derive_seed(state: StoryState, call: int) -> int:
    """Return a seed that stays the same when a killed task resumes, and is new for each version."""
    tries = len(turns(state))
    return 1000 * tries + call


def _compute_share(state: StoryState, written: int, left: int) -> int:
    return max(MIN_SEGMENT_UNITS, round((state["brief"].length - written) / left))


def _compute_ask_factor(state: StoryState) -> float:
    """Return the factor by which to raise the requested length, from how much has been written of
    what was intended; excess text is cut."""
    return min(
        MAX_ASK_FACTOR, max(1.0, state["asked"] / max(1, count_units("\n".join(state["segments"]))))
    )


def _format_hint(state: StoryState, place: int, *, ends: bool) -> str:
    """Return the hint on the part's position in the story."""
    if ends:
        hint = "end"
    elif place < len(state["segments"]):
        hint = "more"
    else:
        hint = "on" if state["recent"] else "begin"
    return say(f"stories.hint.{hint}", state["brief"].language)
