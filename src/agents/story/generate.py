"""StoryGenerate: writes the plot points one by one, and long ones in parts.

A call sees the plan, the running summary and the latest text, all of bounded length, so that its
prompt does not grow with the story. How much it is to write follows from what has been written:
each plot point may use an equal share of what is left of the story's length.
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
"""Units asked for in one call."""
SENTENCE_UNITS: dict[Language, int] = {"en": 12, "zh": 18}
"""Units of a usual sentence: a small model counts sentences better than words."""
RECENT_UNITS: dict[Language, int] = {"en": 600, "zh": 900}
"""Units of the latest text that are shown as they stand; what is older is in the summary."""
TOKENS_PER_UNIT = 2
"""Tokens that a unit may cost; Qwen's tokenizer takes 1.3 for a word and 0.7 for a character."""
MAX_MISSING_SHARE, MAX_LENGTH_FACTOR = 0.2, 1.15
"""Shares of its length that a segment may lack before it is extended, and have before it is cut."""
MAX_ASK_FACTOR = 2.0
"""How much more than is needed may be asked of a model that writes too little."""
MAX_FINAL_SHORTFALL = 0.1
"""Share of the story's length that may be lacking at its end."""
TEMPERATURE = 0.7
"""At 0 a small model soon repeats itself; at 0.9 it loses the thread."""
MAX_TOPIC_CHARS = 600
"""Characters of the person's words that each call sees."""
MIN_SEGMENT_UNITS = 20
"""Units that a segment gets, even where the earlier ones have used up the length; a lack of fewer
is left to the next one."""
EXTENSIONS = 2
"""Further calls for a segment that stays too short."""


async def write_part(state: StoryState, runtime: Runtime[RunContext]) -> StoryState:
    """Write the next part. Extends `segments`."""
    watch, model = Stopwatch(), await resolve_model(runtime)
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
    """Which plot point is written next, and how many units are left for it: the one that was
    written last as long as it is too short, and has calls left, else the one after it."""
    segments = state["segments"]
    points = require_plan(state).points
    written = [count_units(segment) for segment in segments]
    if segments:
        place = len(segments) - 1
        share = _compute_share(state, sum(written[:-1]), len(points) - place)
        tries = math.ceil(share / PART_UNITS[state["brief"].language]) + EXTENSIONS
        bearable = max(share * MAX_MISSING_SHARE, min(MIN_SEGMENT_UNITS, share / 2))
        if len(segments) == len(points):  # what comes after an ending spoils it
            bearable = state["brief"].length * MAX_FINAL_SHORTFALL
        if share - written[-1] > bearable and state["parts"] < tries:
            return place, share - written[-1]
    left = max(1, len(points) - len(segments))
    return len(segments), _compute_share(state, sum(written), left)


async def remember(state: StoryState, runtime: Runtime[RunContext]) -> StoryState:
    """Take what is older than the latest paragraph into the running summary."""
    watch, model = Stopwatch(), await resolve_model(runtime)
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
    """Where to go when a part is written: on, to the summary, or to the checks."""
    place, _ = plan_next_part(state)
    if place >= len(require_plan(state).points):
        return "judge"
    recent = state["recent"]
    too_long = count_units(recent) > RECENT_UNITS[state["brief"].language] and "\n\n" in recent
    return "remember" if too_long else "write_part"


def require_plan(state: StoryState) -> StoryPlan:
    """The plan, which is there when anything is written."""
    plan = state["plan"]
    assert plan is not None  # noqa: S101  (only a turn of a role-play has none)
    return plan


def build_story_messages(state: StoryState, summary: str, recent: str) -> list[AnyMessage]:
    """The conversation up to the next part: the story's outline, and what the model has written
    of it as its own turn, which it goes on with more readily than with a text that it is shown."""
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
    """How much to write, in round numbers."""
    return {
        "length": max(10, round(part / 10) * 10),
        "sentences": max(1, round(part / SENTENCE_UNITS[language])),
    }


def new_text(reply: str, before: str, brief: StoryBrief) -> str:
    """What a reply adds to a story: whole sentences of prose in its language that are not in it
    already. A character that is played may speak as it likes."""
    text = drop_unfinished_sentence(extract_prose(reply))
    if brief.kind != "role_play":
        text = without_foreign(text, brief.language, f"{brief.topic} {brief.style} {before}")
    return without_repeats(text, before, brief.language)


def derive_seed(state: StoryState, call: int) -> int:
    """A seed that is the same when a killed task goes on, and another for each new version."""
    tries = len(turns(state))
    return 1000 * tries + call


def _compute_share(state: StoryState, written: int, left: int) -> int:
    return max(MIN_SEGMENT_UNITS, round((state["brief"].length - written) / left))


def _compute_ask_factor(state: StoryState) -> float:
    """How much more the model has to be asked for than it is to write, from what it has written;
    what is too much is cut."""
    return min(
        MAX_ASK_FACTOR, max(1.0, state["asked"] / max(1, count_units("\n".join(state["segments"]))))
    )


def _format_hint(state: StoryState, place: int, *, ends: bool) -> str:
    """Where in the story the call is."""
    if ends:
        hint = "end"
    elif place < len(state["segments"]):
        hint = "more"
    else:
        hint = "on" if state["recent"] else "begin"
    return say(f"stories.hint.{hint}", state["brief"].language)
