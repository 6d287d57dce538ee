"""TeachingPlan: decides from the task what the lesson teaches, and to whom."""

import re

from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from ...context import RunContext, resolve_model
from ...language.messages import Language
from ...prompts import load_prompt
from ..turns import (
    Stopwatch,
    define_input,
    format_problem,
    get_instructions,
    parse_inputs,
    report_progress,
)
from .contracts import PARTS, Lesson, LessonState, TeachingPlan, earlier_part, format_material

PROMPT = load_prompt("lesson/plan")
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
    """Optional inputs besides the question, which gives the lesson's topic. They take precedence
    over what the question says."""

    model_config = ConfigDict(extra="forbid")

    grade: int | None = define_input(
        None, ge=1, le=12, en="school year of the learners, 1 to 12", zh="学习者的年级，1到12"
    )
    age: int | None = define_input(
        None, ge=5, le=18, en="their age, where no grade is given", zh="学习者的年龄（未给年级时）"
    )
    language: Language | None = define_input(
        None,
        en="of the lesson, en or zh; else the question's",
        zh="课程的语言，en 或 zh；默认同问题",
    )
    exercises: int | None = define_input(
        None,
        ge=1,
        le=MAX_EXERCISES,
        en="number of exercises; else what the question says, or 4",
        zh="练习的数量；默认按问题所说，否则为4",
    )


async def teaching_plan(state: LessonState, runtime: Runtime[RunContext]) -> LessonState:
    """Plan the lesson. Writes `lesson`, with all parts still to be written."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    inputs = parse_inputs(state, TeachExplainInputs)
    language = inputs.language or asked_language(format_problem(state)) or state["language"]
    reply = await model.generate_structured(
        PROMPT[language].messages(
            task=format_problem(state),
            instructions=get_instructions(state),
            material=format_material(state),
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
        grade=grade_of(inputs, plan),
        wanted=inputs.exercises
        or asked_exercises(format_problem(state), plan)
        or DEFAULT_EXERCISES,
        plan=plan,
        parts={},
        exercises=[],
    )
    report_progress("teach_explain", f"{lesson.title} ({lesson.grade}): {'; '.join(plan.goals)}")
    return {
        "lesson": lesson,
        "faults": dict.fromkeys(PARTS, ""),
        "costs": [("plan", reply.usage, watch.seconds)],
    }


def grade_of(inputs: TeachExplainInputs, plan: TeachingPlan) -> int:
    """Return the school year: as given, from the given age, as the task says, or else 6."""
    if inputs.grade is None and inputs.age is not None:
        return min(max(inputs.age - FIRST_GRADE_AGE + 1, 1), 12)
    return inputs.grade or plan.grade or DEFAULT_GRADE


def asked_exercises(task: str, plan: TeachingPlan) -> int:
    """Return the number of exercises requested; 0 if the task names none, whatever the plan
    says."""
    return plan.exercises if _NAMES_EXERCISES.search(task) else 0


def asked_language(task: str) -> Language | None:
    """Return the language that the task explicitly asks for, or None."""
    return next((language for language, words in _TONGUE.items() if words.search(task)), None)
