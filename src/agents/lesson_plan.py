"""TeachingPlan: reads the task, and lays down what the lesson teaches and to whom."""

import re

from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, Field

from ..context import RunContext, model_of
from ..messages import Language
from ..prompts import load
from .lesson import PARTS, Lesson, LessonState, TeachingPlan, earlier_part, material
from .turns import Stopwatch, inputs_of, instructions_of, problem_of, tell

PROMPT = load("lesson_plan")
MAX_TOKENS = 400
MAX_EXERCISES = 12
DEFAULT_EXERCISES = 4
DEFAULT_GRADE = 6
FIRST_GRADE_AGE = 6

_NAMES_EXERCISES = re.compile(r"exercise|question|problem|task|practice|练习|题", re.IGNORECASE)
_TONGUE: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"\bin English\b|用英[文语]|英[文语]的?(?:讲|课|教)", re.I),
    "zh": re.compile(r"\bin (?:Chinese|Mandarin)\b|用(?:中文|汉语)|中文的?(?:讲|课|教)", re.I),
}


class TeachExplainInputs(BaseModel):
    """What may be given besides the question, which says what the lesson is about. What is given
    here goes before what the question says."""

    model_config = ConfigDict(extra="forbid")

    grade: int | None = Field(None, ge=1, le=12)
    """School year of the learners."""
    age: int | None = Field(None, ge=5, le=18)
    """Age of the learners in years, where no grade is given."""
    language: Language | None = None
    """Language of the lesson; None takes the question's."""
    exercises: int | None = Field(None, ge=1, le=MAX_EXERCISES)
    """Number of exercises; None takes what the question says, else 4."""


async def teaching_plan(state: LessonState, runtime: Runtime[RunContext]) -> LessonState:
    """Plan the lesson. Starts `lesson`, with every part still to be written."""
    watch, model = Stopwatch(), await model_of(runtime)
    given = inputs_of(state, TeachExplainInputs)
    language = given.language or asked_language(problem_of(state)) or state["language"]
    reply = await model.structured(
        PROMPT[language].messages(
            task=problem_of(state),
            instructions=instructions_of(state),
            material=material(state),
            earlier=earlier_part(state, "concept"),
        ),
        TeachingPlan,
        max_tokens=MAX_TOKENS,
        language=language,
    )
    plan = reply.value
    lesson = Lesson(
        title=plan.title,
        language=language,
        grade=grade_of(given, plan),
        wanted=given.exercises or asked_exercises(problem_of(state), plan) or DEFAULT_EXERCISES,
        plan=plan,
        parts={},
        exercises=[],
    )
    tell("teach_explain", f"{lesson.title} ({lesson.grade}): {'; '.join(plan.goals)}")
    return {
        "lesson": lesson,
        "faults": dict.fromkeys(PARTS, ""),
        "costs": [("plan", reply.usage, watch.seconds)],
    }


def grade_of(given: TeachExplainInputs, plan: TeachingPlan) -> int:
    """The school year: as given, from the age given, as the task says, else 6."""
    if given.grade is None and given.age is not None:
        return min(max(given.age - FIRST_GRADE_AGE + 1, 1), 12)
    return given.grade or plan.grade or DEFAULT_GRADE


def asked_exercises(task: str, plan: TeachingPlan) -> int:
    """How many exercises the task asks for; 0 where it names none, whatever the plan has read."""
    return plan.exercises if _NAMES_EXERCISES.search(task) else 0


def asked_language(task: str) -> Language | None:
    """The language that the task itself asks for."""
    return next((language for language, words in _TONGUE.items() if words.search(task)), None)
