"""StoryPlan: title, cast and three to seven plot points."""

import asyncio
from functools import cache
from typing import Annotated, Any

from langgraph.runtime import Runtime
from pydantic import BeforeValidator, Field, create_model

from ...context import RunContext, resolve_model
from ...language.messages import Language, say
from ...language.text import count_units, measure_chinese_share, split_sentences
from ...models.client import LanguageModel, Reply
from ...prompts import load_prompt
from ...state import Contract, Usage, output_of
from ..turns import Stopwatch, get_instructions, report_progress
from .contracts import WORKFLOW, Name, ShortText, StoryBrief, StoryPlan, StoryState, source_of
from .summary import SUMMARY_LENGTH, summarize_story
from .text import cut_to_length, measure_coverage, strip_headings, without_repeats

PROMPT = load_prompt("story/plan")
MAX_TOKENS = 900
MIN_POINT_UNITS: dict[Language, int] = {"en": 80, "zh": 100}
"""Units needed to tell a plot point; a short story has fewer points for this reason."""
MAX_POINT_UNITS = 1000
"""Most units that one plot point should carry; a long story has more points for this reason."""
MIN_TOPIC_COVERAGE: dict[Language, float] = {"en": 0.5, "zh": 0.3}
"""Share of the subject's content words that a plan must contain, see `measure_coverage`; otherwise
it is drafted once more."""
WINDOW_UNITS: dict[Language, int] = {"en": 700, "zh": 1100}
"""Units of a source text that is used verbatim; a longer one is summarised window by window."""
CHARS_PER_UNIT: dict[Language, int] = {"en": 12, "zh": 2}
"""Most characters per unit of a window, so that text without sentence ends is cut too."""
TAIL_UNITS = 120
"""Units at the end of an opening that the first segment sees verbatim."""
MAX_MATERIAL_CHARS = 2500
"""Characters of the task's other outputs that are used as material."""


PlotEvent = Annotated[
    str,
    BeforeValidator(lambda text: text.strip()[:240] if isinstance(text, str) else text),
    Field(min_length=1, max_length=240),
]


class PlotDraft(Contract):
    """The plan as the model drafts it, in a form that forces the story to end."""

    title: ShortText
    characters: list[Name] = Field(max_length=8)
    beginning: PlotEvent
    middle: list[PlotEvent] = Field(min_length=1, max_length=5)
    ending: PlotEvent


async def plan_story(state: StoryState, runtime: Runtime[RunContext]) -> StoryState:
    """Plan the plot. Writes `plan`, and for a continuation what happened before it."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    brief = state["brief"]
    whole = strip_headings(source_of(state))
    source, spent = await condense_text(model, whole, brief.language)
    reply = await _draft(model, state, source, _format_wish(state))
    planned = reply.value
    spent += reply.usage
    if not on_topic(planned, brief):
        off = say("stories.off_topic", brief.language, points=planned.points[0])
        reply = await _draft(model, state, source, f"{_format_wish(state)}\n{off}")
        planned = reply.value
        spent += reply.usage
    report_progress(WORKFLOW, f"{planned.title}: " + " -> ".join(planned.points))
    return {
        "plan": planned,
        "segments": [],
        "parts": 0,
        "asked": 0,
        **(
            _build_story_context(whole, source)
            if brief.kind == "continue"
            else {"summary": "", "recent": ""}
        ),
        "spent": spent,
        "seconds": watch.seconds,
    }


def get_point_bounds(brief: StoryBrief) -> tuple[int, int]:
    """Return the fewest and the most plot points: at least one per chapter, enough to carry the
    length, and no more than it has room for."""
    low = max(3, brief.chapters, min(7, brief.length // MAX_POINT_UNITS))
    return low, max(low, min(7, brief.length // MIN_POINT_UNITS[brief.language]))


def on_topic(planned: StoryPlan, brief: StoryBrief) -> bool:
    """Return whether a plan is in the story's language and about its subject."""
    points = "\n".join(planned.points)
    chinese = brief.language == "zh"
    names = [*brief.characters, *planned.characters]
    in_language = (measure_chinese_share(points) > 0.5) == chinese
    return (
        in_language
        and measure_coverage(brief.about, points, names) >= MIN_TOPIC_COVERAGE[brief.language]
    )


async def condense_text(model: LanguageModel, text: str, language: Language) -> tuple[str, Usage]:
    """Return a short text unchanged, or summaries of a long one's windows, written concurrently."""
    window = WINDOW_UNITS[language]
    characters = WINDOW_UNITS[language] * CHARS_PER_UNIT[language]
    if count_units(text) <= window and len(text) <= characters:
        return text, Usage()
    pieces = []
    while text:
        piece = cut_to_length(text[:characters], window)
        pieces.append(piece)
        text = text[text.index(piece) + len(piece) :].strip()
    length = max(SUMMARY_LENGTH // 2, window // len(pieces))
    replies = await asyncio.gather(
        *(
            summarize_story(model, "", piece, language, min(length, SUMMARY_LENGTH))
            for piece in pieces
        )
    )
    spent = sum((reply.usage for reply in replies), Usage())
    return "\n".join(reply.value for reply in replies), spent


def _build_story_context(whole: str, digested: str) -> StoryState:
    """Return what the first segment of a continuation sees: the text, or its digest and its end."""
    if whole == digested:
        return {"summary": "", "recent": whole}
    return {"summary": digested, "recent": extract_tail(whole)}


def extract_tail(text: str) -> str:
    """Return the last paragraphs of a text, at least one, of about `TAIL_UNITS` units."""
    kept = ""
    for paragraph in reversed(text.split("\n\n")):
        if kept and count_units(kept) + count_units(paragraph) > TAIL_UNITS:
            break
        kept = f"{paragraph}\n\n{kept}".strip()
    return kept[-TAIL_UNITS * 12 :]


@cache
def build_draft_schema(low: int, high: int) -> type[PlotDraft]:
    """Build a `PlotDraft` that has `low` to `high` plot points, beginning and ending included."""
    middle: Any = Annotated[list[PlotEvent], Field(min_length=low - 2, max_length=high - 2)]
    return create_model("PlotDraft", __base__=PlotDraft, middle=(middle, ...))


async def _draft(
    model: LanguageModel, state: StoryState, source: str, wish: str
) -> Reply[StoryPlan]:
    brief = state["brief"]
    low, high = get_point_bounds(brief)
    reply = await model.generate_structured(
        PROMPT[brief.language].messages(
            topic=brief.topic,
            style=brief.style or "-",
            characters=", ".join(brief.characters) or "-",
            source=source or _collect_material(state) or "-",
            wish=wish,
            events=high - 2,
        ),
        build_draft_schema(low, high),
        max_tokens=MAX_TOKENS,
        language=brief.language,
    )
    made = reply.value
    # A small model packs several events into a point, and then tells each of them twice.
    points = [split_sentences(p)[0].strip() for p in [made.beginning, *made.middle, made.ending]]
    return Reply(
        StoryPlan(
            title=made.title,
            characters=made.characters,
            points=without_echoes(points, low, brief.language),
        ),
        reply.usage,
    )


def without_echoes(points: list[str], least: int, language: Language) -> list[str]:
    """Drop middle points that repeat an earlier one, but keep at least `least` points."""
    kept = list(points)
    for place in range(len(points) - 2, 0, -1):
        before = "\n".join(kept[:place])
        if len(kept) > least and not without_repeats(kept[place], before, language):
            del kept[place]
    return kept


def _format_wish(state: StoryState) -> str:
    """Describe what to do with the source, and the faults of an earlier version in this task."""
    brief = state["brief"]
    lines = [say(f"stories.kind.{brief.kind}", brief.language, wish=state["question"])]
    if brief.about:
        lines.append(say("stories.about", brief.language, about=brief.about))
    if written := output_of(state, WORKFLOW):
        lines += [check.detail for check in written.checks if not check.passed]
        lines.append(get_instructions(state))
    return "\n".join(filter(None, lines))


def _collect_material(state: StoryState) -> str:
    """Return the output of the task's other workflows, as material for the story."""
    others = [o.text for name, o in state.get("outputs", {}).items() if name != WORKFLOW]
    return "\n\n".join(others)[:MAX_MATERIAL_CHARS]
