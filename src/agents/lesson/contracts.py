"""Data types of a lesson, and its layout as Markdown."""

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
"""Characters quoted of another workflow's text, or of a part of an earlier lesson."""
TITLE_CHARS = 60
_CITATION = re.compile(r"\s*\[\d+\]")

Grade = Annotated[
    int,
    # Models of providers without a grammar may leave the range.
    BeforeValidator(lambda grade: min(max(grade, 0), 12) if isinstance(grade, int) else grade),
    Field(ge=0, le=12),
]


Title = Annotated[str, truncate_to(TITLE_CHARS), Field(max_length=TITLE_CHARS)]


class TeachingPlan(Contract):
    """What the lesson teaches, and to whom."""

    title: Title
    kind: Literal["calculations", "questions"]
    """Kind of exercises; `calculations` have an answer that can be computed."""
    grade: Grade
    """School year, 1 to 12; 0 where the task does not say."""
    exercises: Grade
    """Number of exercises requested; 0 where the task does not say."""
    goals: list[Line] = Field(min_length=1, max_length=3)
    """What the learners know or can do afterwards."""
    skill: Line
    """What a learner does in an exercise."""


class Exercise(Contract):
    """A question and its answer."""

    question: str
    answer: str
    working: str | None = None
    """Calculation or equation behind the answer, if there is one to show."""
    claimed: str | None = None
    """The draft's answer if it was wrong, else None."""
    computed: bool
    """Whether the answer was recomputed and two routes agreed on it."""


class Tally(Contract):
    """Counts of drafted exercises by outcome."""

    computed: int = 0
    """Answers on which two routes agreed."""
    corrected: int = 0
    """Answers that the model had claimed differently (included in `computed`)."""
    dropped: int = 0
    """Exercises not used, because no two routes agreed or they were not proper exercises."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(**{n: getattr(self, n) + getattr(other, n) for n in Tally.model_fields})


class Lesson(Contract):
    """A lesson; its dump is the `data` of the workflow's output."""

    title: str
    language: Language
    grade: int
    wanted: int
    """Number of exercises requested."""
    plan: TeachingPlan
    parts: dict[PartName, str]
    """Markdown, without headings."""
    example: Exercise | None = None
    """Problem of the worked example, if it can be computed."""
    exercises: list[Exercise]
    tally: Tally = Tally()
    tries: list[list[str]] = Field(default_factory=list)
    """Names of the failed checks, for each try."""


class LessonInput(QuestionState, total=False):
    """The part of the task's state that the workflow reads."""

    language: Language
    inputs: dict[str, Any]
    outputs: dict[str, Output]
    earlier: list[Any]


class LessonState(LessonInput, total=False):
    """State of the subgraph: parts arrive in any order."""

    lesson: Lesson
    """The lesson so far, without what this try has written."""
    faults: dict[PartName, str]
    """Parts to write, each with the faults of its last version."""
    written: Annotated[dict[PartName, str], operator.or_]
    problems: Annotated[list[Exercise], operator.add]
    """Problem of the worked example, if this try made one."""
    exercises: list[Exercise]
    tallies: Annotated[list[Tally], operator.add]
    costs: Annotated[list[tuple[str, Usage, float]], operator.add]
    """Stage, model usage and seconds of each piece of work."""
    turn: Turn | None
    usage: Usage


class PartTask(LessonInput, total=False):
    """One part to write, sent to its own node run."""

    lesson: Lesson
    part: PartName
    fault: str
    """Faults of its last version; empty at first."""


def get_headings(language: Language) -> dict[str, str]:
    """Return the headings of a lesson by part; `key` is that of the answer key."""
    return {name: say(f"lesson.{name}", language) for name in (*PARTS, "key")}


def format_lesson(lesson: Lesson) -> str:
    """Format the lesson as Markdown: five parts, exercises under practice, the answer key last."""
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
    """Return other workflows' output for the same task, without citations and fenced as data; empty
    if there is none."""
    made = [o for name, o in state.get("outputs", {}).items() if name != WORKFLOW]
    texts = [(_CITATION.sub("", o.text), o.workflow) for o in made if o.status != "no_answer"]
    return "\n\n".join(fence(text[:MAX_QUOTED_CHARS], workflow) for text, workflow in texts)


def collect_sources(state: LessonInput) -> list[Source]:
    """Return the sources of the material."""
    made = (o for name, o in state.get("outputs", {}).items() if name != WORKFLOW)
    return [source for output in made for source in output.sources]


def earlier_part(state: LessonInput, part: str) -> str:
    """Return that part of the lesson this task reworks, fenced as data; empty if there is none."""
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
