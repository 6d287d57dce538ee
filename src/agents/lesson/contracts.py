"""What a lesson is made of, and how it is laid out for people."""

import operator
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ...language.messages import Language, say
from ...state import Contract, Line, Output, Source, Turn, Usage, truncate_to
from ...tools.arithmetic import contains_formula
from ...tools.fence import fence
from ..turns import QuestionState

WORKFLOW = "teach_explain"
PartName = Literal["introduction", "concept", "example", "practice", "summary"]
PARTS: tuple[PartName, ...] = ("introduction", "concept", "example", "practice", "summary")
MAX_QUOTED_CHARS = 3000
"""Characters of another workflow's text, or of an earlier lesson's part, that are told."""
TITLE_CHARS = 60
_CITATION = re.compile(r"\s*\[\d+\]")

Grade = Annotated[
    int,
    # Where no grammar keeps a model to the range.
    BeforeValidator(lambda grade: min(max(grade, 0), 12) if isinstance(grade, int) else grade),
    Field(ge=0, le=12),
]


Title = Annotated[str, truncate_to(TITLE_CHARS), Field(max_length=TITLE_CHARS)]


class TeachingPlan(Contract):
    """What the lesson is to teach, and to whom."""

    title: Title
    kind: Literal["calculations", "questions"]
    """What the exercises are: `calculations` have an answer that can be computed."""
    grade: Grade
    """School year, 1 to 12; 0 where the task does not say."""
    exercises: Grade
    """How many the task asks for; 0 where it does not say."""
    goals: list[Line] = Field(min_length=1, max_length=3)
    """What the learners know or can do afterwards."""
    skill: Line
    """What a learner does in an exercise."""


class Exercise(Contract):
    """A question and what is right."""

    question: str
    answer: str
    working: str | None = None
    """The calculation or the equation behind the answer, where there is one to show."""
    claimed: str | None = None
    """What its author had for an answer, where that was wrong."""
    computed: bool
    """Whether the answer was recomputed and two routes agreed on it."""


class Tally(Contract):
    """What became of the answers that were drafted."""

    computed: int = 0
    """Answers on which two routes agreed."""
    corrected: int = 0
    """Those of them that the model had claimed differently."""
    dropped: int = 0
    """Exercises that were not used: no two routes agreed, or they were no proper exercises."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(**{n: getattr(self, n) + getattr(other, n) for n in Tally.model_fields})


class Lesson(Contract):
    """A lesson; as plain data it is `Output.data`."""

    title: str
    language: Language
    grade: int
    wanted: int
    """Exercises asked for."""
    plan: TeachingPlan
    parts: dict[PartName, str]
    """Markdown, without headings."""
    example: Exercise | None = None
    """The problem of the worked example, where it is one that can be computed."""
    exercises: list[Exercise]
    tally: Tally = Tally()
    tries: list[list[str]] = Field(default_factory=list)
    """The checks that failed, for each try."""


class LessonInput(QuestionState, total=False):
    """What the workflow reads of the task."""

    language: Language
    inputs: dict[str, Any]
    outputs: dict[str, Output]
    earlier: list[Any]


class LessonState(LessonInput, total=False):
    """State of the subgraph: parts arrive in any order."""

    lesson: Lesson
    """As it stands, without what this try has written."""
    faults: dict[PartName, str]
    """The parts to write, each with what was wrong with the last version."""
    written: Annotated[dict[PartName, str], operator.or_]
    problems: Annotated[list[Exercise], operator.add]
    """The worked example's problem, where this try made one."""
    exercises: list[Exercise]
    tallies: Annotated[list[Tally], operator.add]
    costs: Annotated[list[tuple[str, Usage, float]], operator.add]
    """Stage, model calls, seconds."""
    turn: Turn | None
    usage: Usage


class PartTask(LessonInput, total=False):
    """One part to write, sent to its own node run."""

    lesson: Lesson
    part: PartName
    fault: str
    """What was wrong with its last version; empty at first."""


def get_headings(language: Language) -> dict[str, str]:
    """The headings of a lesson, by part; `key` is that of the answers."""
    return {name: say(f"lesson.{name}", language) for name in (*PARTS, "key")}


def format_lesson(lesson: Lesson) -> str:
    """The lesson as Markdown: five parts, the exercises under practice, the key last."""
    heading = get_headings(lesson.language)
    pieces = [f"# {lesson.title}"]
    for part in PARTS:
        pieces += [f"## {heading[part]}", lesson.parts.get(part, "")]
        if part == "practice":
            pieces.append(_number_lines([exercise.question for exercise in lesson.exercises]))
    if lesson.exercises:
        pieces += [
            f"## {heading['key']}",
            _number_lines([_format_key_line(e) for e in lesson.exercises]),
        ]
    if any(not exercise.computed for exercise in lesson.exercises):
        pieces.append(f"*{say('lesson.not_computed', lesson.language)}*")
    return "\n\n".join(filter(None, pieces))


def _number_lines(lines: list[str]) -> str:
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def _format_key_line(exercise: Exercise) -> str:
    shown = f"**{exercise.answer}**" if exercise.computed else f"{exercise.answer} \\*"
    complete = exercise.working is None or contains_formula(exercise.question, exercise.working)
    return shown if complete else f"{shown} ({exercise.working})"


def format_material(state: LessonInput) -> str:
    """What other workflows made of the same task, without its citations, fenced as data; empty
    without any."""
    made = [o for name, o in state.get("outputs", {}).items() if name != WORKFLOW]
    texts = [(_CITATION.sub("", o.text), o.workflow) for o in made if o.status != "no_answer"]
    return "\n\n".join(fence(text[:MAX_QUOTED_CHARS], workflow) for text, workflow in texts)


def collect_sources(state: LessonInput) -> list[Source]:
    """What the material rests on."""
    made = (o for name, o in state.get("outputs", {}).items() if name != WORKFLOW)
    return [source for output in made for source in output.sources]


def earlier_part(state: LessonInput, part: str) -> str:
    """That part of the lesson which this task reworks, fenced as data; empty without one."""
    earlier = state.get("earlier") or []
    if not earlier or earlier[-1]["workflow"] != WORKFLOW:
        return ""
    names = {
        heading: name for tongue in ("en", "zh") for name, heading in get_headings(tongue).items()
    }
    pieces = re.split(r"^## (.+)$", earlier[-1]["answer"], flags=re.MULTILINE)
    found = dict(zip((names.get(t) for t in pieces[1::2]), pieces[2::2], strict=False))
    text = str(found.get(part) or "").strip()
    return fence(text[:MAX_QUOTED_CHARS], part) if text else ""
