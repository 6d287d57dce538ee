"""Reading of a story request: the inputs, completed from the question."""

import re
from functools import cache
from typing import Any, Literal

from langgraph.runtime import Runtime
from pydantic import Field, create_model

from ...context import RunContext, resolve_model
from ...language.detect import detect_language
from ...language.messages import Language
from ...prompts import load_prompt
from ...state import Contract, Line, output_of
from ..turns import Stopwatch, format_problem, parse_inputs
from .contracts import (
    MAX_CHAPTERS,
    MAX_LENGTH,
    MIN_LENGTH,
    WORKFLOW,
    Kind,
    Name,
    ShortText,
    StoryBrief,
    StoryInput,
    StoryInputs,
    StoryState,
    count_story_units,
    inherit_inputs,
    latest_story,
)

PROMPT = load_prompt("story/request")
MAX_TOKENS = 450
MAX_QUESTION_CHARS = 1500
"""Longest question shown whole, in characters; of a longer one, the beginning and the end."""

DEFAULT_LENGTH: dict[Language, int] = {"en": 500, "zh": 800}
TURN_LENGTH: dict[Language, int] = {"en": 80, "zh": 120}
"""Default units of a story, and of a role-play turn at most."""
CHAPTER_LENGTH: dict[Language, int] = {"en": 300, "zh": 450}
"""Units per chapter if only the number of chapters was given."""
SHORTER, LONGER = 0.5, 1.6
"""Factors applied to the earlier story's length for "shorter, please" and "longer, please"."""

_LENGTH = re.compile(
    r"(?<!\d)(?<!\d[,，.])(\d[\d,，]{,12}(?:\.\d{1,6})?)\s*(万|千|k\b)?"
    r"\s*(?:-\s*)?(?:words?\b|个?字)",
    re.IGNORECASE,
)
_LENGTH_PHRASE = re.compile(
    rf"\s*(?:\b(?:of|in|with)\s+)?(?:\b(?:about|around|roughly|some)\s+|大约|约)?{_LENGTH.pattern}"
    r"(?:左右|上下|以内)?的?",
    re.IGNORECASE,
)
_CHAPTERS = re.compile(r"(?<!\d)(\d{1,6})\s*(?:-\s*)?(?:chapters?\b|个?章)", re.IGNORECASE)
_SPEAKS_OF_LENGTH = re.compile(r"\bwords?\b|字", re.IGNORECASE)
_SPEAKS_OF_CHAPTERS = re.compile(r"\bchapters?\b|章", re.IGNORECASE)
_TIMES = {"万": 10_000, "千": 1_000, "k": 1_000}


class StoryRequest(Contract):
    """What the model reads from the question."""

    kind: Kind
    about: Line
    """Who does what, without mention of length or style."""
    change: Literal["none", "shorter", "longer"]
    """Length of a reworked story relative to the earlier one."""
    language: Literal["en", "zh", "unsaid"]
    style: ShortText
    """Empty if none was requested, like 0 and the empty list below."""
    characters: list[Name] = Field(max_length=8)
    length: int = Field(ge=0, le=1_000_000)
    chapters: int = Field(ge=0, le=1_000)


async def read_request(state: StoryState, runtime: Runtime[RunContext]) -> StoryState:
    """Determine what to write. Writes `brief`. No model is needed for a role-play turn that is
    known from its thread or inputs, or for a story that is written again."""
    if written := output_of(state, WORKFLOW):
        return {"brief": StoryBrief(**written.data["request"])}
    given = parse_inputs(state, StoryInputs)
    if _resolve_mode(state, given) == "role_play":
        return {"brief": resolve_brief(state, given, None)}
    watch = Stopwatch()
    model = await resolve_model(runtime)
    question = state["question"]
    shown = (
        question
        if len(question) <= MAX_QUESTION_CHARS
        else f"{question[:1000]} ... {question[-500:]}"
    )
    earlier = latest_story(state)
    reply = await model.generate_structured(
        PROMPT[state["language"]].messages(question=shown, earlier=earlier[:300] or "-"),
        _build_request_schema(bool(earlier)),
        max_tokens=MAX_TOKENS,
        language=state["language"],
    )
    return {
        "brief": resolve_brief(state, given, reply.value),
        "spent": reply.usage,
        "seconds": watch.seconds,
    }


def resolve_brief(state: StoryInput, given: StoryInputs, read: StoryRequest | None) -> StoryBrief:
    """Build the brief. Inputs of this task come first, then the question, then inputs of the
    thread's earlier tasks. What the model reads counts only if the question supports it: a name or
    a length that is never mentioned was made up."""
    was = inherit_inputs(state)
    own = _select_own_inputs(state, given)
    said = format_problem(state) if not latest_story(state) else state["question"]
    kind: Kind = _resolve_mode(state, given) or (read.kind if read else "new")
    language = _resolve_language(own, read, was, state["language"])
    known = f"{format_problem(state)} {latest_story(state)} {given.opening or ''}"
    names = [name for name in (read.characters if read else []) if _is_name(name, known)]
    length = own.get("length") or stated_length(said, read)
    chapters = own.get("chapters") or stated_chapters(said, read)
    if not (length or chapters) and kind in ("new", "role_play"):
        length = was.get("length")
        chapters = was.get("chapters")
    return StoryBrief(
        kind=kind,
        topic=_LENGTH_PHRASE.sub("", format_problem(state)),
        about=read.about if read and kind == "new" else "",
        language=language,
        style=own.get("style") or (read.style if read else "") or was.get("style") or "",
        characters=list(dict.fromkeys(given.characters or names)),
        length=length or _choose_default_length(state, kind, language, chapters or 0, read),
        chapters=chapters or 0,
    )


def stated_length(text: str, read: StoryRequest | None) -> int | None:
    """Return the units that a text asks for, or None.

    The number is in digits with a unit, or as read by the model if the text mentions words or 字 at
    all. A number below `MIN_LENGTH` counts only if the model reads it too ("a story about three
    words" asks for nothing).
    """
    numbers = [_parse_number(*found) for found in _LENGTH.findall(text)]
    for number in numbers:
        if number >= MIN_LENGTH or (read and read.length == number):
            return number
    return read.length if read and read.length and _SPEAKS_OF_LENGTH.search(text) else None


def stated_chapters(text: str, read: StoryRequest | None) -> int | None:
    """Return the number of chapters that a text asks for, or None; found similarly to a length."""
    if found := _CHAPTERS.search(text):
        return int(found[1])
    return read.chapters if read and read.chapters and _SPEAKS_OF_CHAPTERS.search(text) else None


def _is_name(name: str, text: str) -> bool:
    """Return whether a text contains a name, capitalised if in Latin letters: "Pip", not
    "hedgehog"."""
    return name in text and (not name.isascii() or name[:1].isupper())


def _parse_number(digits: str, times: str) -> int:
    return int(float(re.sub("[,，]", "", digits)) * _TIMES.get(times.lower(), 1))


def _resolve_mode(state: StoryInput, given: StoryInputs) -> Kind | None:
    """Return the requested mode, or None. Only a role-play continues in its thread's later
    tasks."""
    mode: Kind | None = _select_own_inputs(state, given).get("mode")
    return mode or ("role_play" if inherit_inputs(state).get("mode") == "role_play" else None)


def _select_own_inputs(state: StoryInput, given: StoryInputs) -> dict[str, Any]:
    """Return the inputs given with this task, without those inherited from the task it follows."""
    earlier = state.get("earlier") or []
    taken_over = earlier[-1]["inputs"] if earlier else {}
    return {
        name: value
        for name, value in given.model_dump(exclude_unset=True).items()
        if name not in taken_over or taken_over[name] != value
    }


def _resolve_language(
    own: dict[str, Any], read: StoryRequest | None, was: dict[str, Any], asked_in: Language
) -> Language:
    said: Language | None = None
    if read and read.language != "unsaid":
        said = read.language
    language: Language = own.get("language") or said or was.get("language") or asked_in
    return language


def _choose_default_length(
    state: StoryInput, kind: Kind, language: Language, chapters: int, read: StoryRequest | None
) -> int:
    """Return a length in units for a request that states none."""
    if kind == "role_play":
        return TURN_LENGTH[language]
    if kind == "rework":
        earlier = latest_story(state)
        times = {"shorter": SHORTER, "longer": LONGER}.get(read.change if read else "", 1.0)
        same = detect_language(earlier) == language
        between = (
            1.0 if same else DEFAULT_LENGTH[language] / DEFAULT_LENGTH[detect_language(earlier)]
        )
        return min(MAX_LENGTH, max(MIN_LENGTH, round(count_story_units(earlier) * times * between)))
    if chapters:
        return CHAPTER_LENGTH[language] * min(chapters, MAX_CHAPTERS)
    return DEFAULT_LENGTH[language]


@cache
def _build_request_schema(follows: bool) -> type[StoryRequest]:
    """Build a `StoryRequest` whose kind may be `rework` only if there is a story to rework."""
    if follows:
        return StoryRequest
    kinds: Any = Literal["new", "continue", "role_play"]
    return create_model("StoryRequest", __base__=StoryRequest, kind=(kinds, ...))
