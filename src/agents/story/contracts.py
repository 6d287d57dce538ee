"""A story in progress: the request, the plan, and the state shared by its agents."""

import operator
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from ...language.messages import Language, say
from ...language.text import count_units
from ...state import Contract, Exchange, Line, Output, Record, Turn, Usage
from ..turns import QuestionState, define_input
from .text import strip_headings

WORKFLOW = "write_story"
MIN_LENGTH, MAX_LENGTH = 50, 10_000
"""Shortest and longest story that can be requested, in words or 字."""
MAX_CHAPTERS = 7
"""Most chapters: a chapter tells at least one plot point, and there are at most seven."""
MAX_OPENING = 60_000
"""Most characters of a text to continue: a story of 10,000 words."""

_ASKED_TO = re.compile(
    r"^[^:：\n]{0,60}(?:\bcontinue\b|\bgo on\b|续写|接着|继续)[^:：\n]{0,60}[:：]\s*", re.IGNORECASE
)
Mode = Literal["new", "continue", "role_play"]
Kind = Literal["new", "continue", "rework", "role_play"]
Name = Annotated[
    str,
    BeforeValidator(lambda name: name.strip()[:40] if isinstance(name, str) else name),
    Field(min_length=1, max_length=40),
]
ShortText = Annotated[
    str,
    BeforeValidator(lambda text: text.strip()[:80] if isinstance(text, str) else text),
    Field(max_length=80),
]


class StoryInputs(BaseModel):
    """Optional inputs besides the question, which gives the topic or the opening. Inputs left out
    are read from the question."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode | None = define_input(
        None,
        en="new, continue (a text), or role_play (the next turn, in character)",
        zh="new（新故事）、continue（续写）或 role_play（角色扮演的下一回合）",
    )
    opening: str | None = define_input(
        None,
        max_length=MAX_OPENING,
        en="the text to continue; else the thread's latest story, or the question",
        zh="要续写的文字；默认为会话中最近的故事，否则为问题本身",
    )
    style: ShortText | None = define_input(
        None, en='genre or manner, such as "fable"', zh="体裁或风格，例如“寓言”"
    )
    characters: list[Name] = define_input(
        [],
        max_length=8,
        en="names that must appear; in a role-play, whom the model plays",
        zh="必须出现的人物；角色扮演时为模型所扮演的角色",
    )
    length: int | None = define_input(
        None,
        en="words; of a continuation, those that are added",
        zh="字数；续写时为新增的字数",
    )
    chapters: int | None = define_input(
        None, en="chapters, each under a heading", zh="章数，每章有标题"
    )
    language: Language | None = define_input(
        None,
        en="of the story, en or zh; else what the question asks for",
        zh="故事的语言，en 或 zh；默认按问题的要求",
    )

    @field_validator("length", mode="before")
    @classmethod
    def _validate_length(cls, value: object) -> object:
        return _validate_whole_number(value, "stories.bad_length", MIN_LENGTH, MAX_LENGTH)

    @field_validator("chapters", mode="before")
    @classmethod
    def _validate_chapters(cls, value: object) -> object:
        return _validate_whole_number(value, "stories.bad_chapters", 1, MAX_CHAPTERS)


def _validate_whole_number(value: object, message: str, low: int, high: int) -> object:
    """Convert text to a whole number, and check that the value is None or within the bounds.

    Raises:
        ValueError: the value is not a whole number within the bounds.
    """
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    if value is not None and not fits:
        raise ValueError(say(message, value=str(value)[:40], low=low, high=high))
    return value


class StoryBrief(Contract):
    """The story to write: the inputs, completed from the question."""

    kind: Kind
    """`rework` retells the thread's latest story as the follow-up asks."""
    topic: str
    """The task in the user's words, without the length, which applies to no single part."""
    about: str
    """Subject in a few words, against which the plan is checked; set only for a new story."""
    language: Language
    style: str
    characters: list[str]
    """Characters that must appear."""
    length: int
    """Length in units, see `language/text.py`."""
    chapters: int
    """0 for a story without chapters."""


class StoryPlan(Contract):
    """Title, characters and plot of a story."""

    title: ShortText
    characters: list[Name] = Field(max_length=8)
    """Names of all characters that appear."""
    points: list[Line] = Field(min_length=3, max_length=7)
    """The plot, one sentence per segment."""


class StoryInput(QuestionState, total=False):
    """The part of the task's state that writing a story reads."""

    language: Language
    inputs: dict[str, Any]
    earlier: list[Exchange]
    history: list[Record]
    outputs: Annotated[dict[str, Output], operator.or_]


class StoryState(StoryInput, total=False):
    """State of the subgraphs: a story as it grows."""

    brief: StoryBrief
    plan: StoryPlan | None
    segments: list[str]
    """Text written so far, one segment per plot point."""
    parts: int
    """Calls spent on the current segment."""
    asked: int
    """Units that the calls so far were meant to write."""
    summary: str
    """Summary of the story before `recent`."""
    recent: str
    """The latest text, not yet in the summary."""
    to_rewrite: list[int]
    """Places of the segments still to be rewritten."""
    spent: Annotated[Usage, operator.add]
    seconds: Annotated[float, operator.add]
    turn: Turn | None
    usage: Usage


def latest_story(state: StoryInput) -> str:
    """Return the thread's latest story as it was shown; empty if there is none."""
    stories = [e["answer"] for e in state.get("earlier", []) if e["workflow"] == WORKFLOW]
    return stories[-1] if stories else ""


def inherit_inputs(state: StoryInput) -> dict[str, Any]:
    """Return the inputs of the thread's earlier stories, the latest value of each."""
    given: dict[str, Any] = {}
    for exchange in state.get("earlier", []):
        if exchange["workflow"] == WORKFLOW:
            given |= exchange["inputs"]
    return {name: value for name, value in given.items() if name in StoryInputs.model_fields}


def opening_of(state: StoryState) -> str:
    """Return the text to continue; empty unless the story is a continuation."""
    if state["brief"].kind != "continue":
        return ""
    given = state.get("inputs", {}).get("opening")
    return given or latest_story(state) or _ASKED_TO.sub("", state["question"])


def source_of(state: StoryState) -> str:
    """Return the text that the plan must follow: an opening, or an earlier story to rework."""
    return latest_story(state) if state["brief"].kind == "rework" else opening_of(state)


def format_story(
    title: str, segments: list[str], chapters: int, language: Language, opening: str = ""
) -> str:
    """Format the story as it is shown: title, opening, and the segments, grouped into chapters."""
    before = len(re.findall("^## ", opening, re.MULTILINE))
    pieces = [] if opening.lstrip().startswith("#") or not title else [f"# {title}"]
    pieces.append(opening.strip())
    for place, segment in enumerate(segments):
        chapter = place * chapters // len(segments)
        if chapters and (place == 0 or chapter > (place - 1) * chapters // len(segments)):
            pieces.append(f"## {say('stories.chapter', language, number=before + chapter + 1)}")
        pieces.append(segment)
    return "\n\n".join(filter(None, pieces))


def count_story_units(story: str) -> int:
    """Count the units of a finished story, excluding its headings."""
    return count_units(strip_headings(story))
