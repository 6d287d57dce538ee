"""ExerciseGenerate: exercises whose answers are confirmed before they are shown."""

import asyncio
import re
from functools import cache
from typing import Any

from langgraph.runtime import Runtime
from pydantic import Field, create_model

from ...context import RunContext, get_sandbox, resolve_model
from ...errors import StructuredOutputError
from ...language.messages import say
from ...models.client import LanguageModel, Reply
from ...prompts import load_prompt
from ...state import Contract, Line, Usage
from ...tools.arithmetic import find_statements, simplify_latex
from ...tools.sandbox import Sandbox
from ..turns import Stopwatch, report_progress
from .answers import CheckedDraft, Draft, confirm, needs_computing
from .checks import in_language
from .contracts import (
    Exercise,
    Lesson,
    LessonState,
    PartName,
    PartTask,
    Tally,
    earlier_part,
    format_material,
    get_headings,
)

CALCULATIONS = load_prompt("lesson/exercises")
QUESTIONS = load_prompt("lesson/questions")
TOKENS_EACH = 260
BATCH = 6
"""Most exercises written in one call; more of them repeat one another."""
MAX_LESSON_CHARS = 1500
"""Characters of the lesson shown for questions about it."""


class QuestionDraft(Contract):
    """A question with a short text answer, as drafted by a model."""

    question: Line
    answer: Line = Field(min_length=1)


async def exercise_generate(state: LessonState, runtime: Runtime[RunContext]) -> LessonState:
    """Write the exercises that are still missing. Writes `exercises`."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    sandbox = get_sandbox()
    lesson = state["lesson"]
    usage = Usage()
    tally = Tally()
    kept = list(lesson.exercises)
    example = [*state.get("problems", []), *([lesson.example] if lesson.example else [])][:1]
    explained = _extract_explanation(lesson, state.get("written", {}))
    rounds = 0
    while len(kept) < lesson.wanted and rounds * BATCH < lesson.wanted:
        rounds += 1
        missing = lesson.wanted - len(kept)
        taken = [exercise.question for exercise in (*example, *kept)]
        drafted = await draft_exercises(
            model,
            state,
            min(missing + 1, BATCH),
            variety=2 * len(lesson.tries) + rounds - 1,
            explained=explained,
        )
        usage += drafted.usage
        found = await asyncio.gather(
            *(_confirm_draft(model, sandbox, lesson, d) for d in drafted.value)
        )
        usage = sum((item.usage for item in found), usage)
        fresh = [f for f in _drop_duplicates(found, taken) if f.exercise][:missing]
        kept += [item.exercise for item in fresh if item.exercise]
        tally += count_outcomes(found)
        report_progress(
            "teach_explain",
            f"{get_headings(lesson.language)['practice']}: {len(kept)}/{lesson.wanted}",
        )
    return {
        "exercises": kept,
        "tallies": [tally],
        "costs": [("exercises", usage, watch.seconds)],
    }


async def draft_exercises(
    model: LanguageModel,
    state: LessonState | PartTask,
    number: int,
    *,
    variety: int,
    explained: str = "",
) -> Reply[list[Draft]]:
    """Draft exercises with a model; empty if its reply is unusable.

    Args:
        number: number of exercises.
        variety: different for each call, so that the same model writes other exercises. Listing
            the existing ones does not help: a small model copies them.
        explained: the lesson's explanation, for questions about it.
    """
    lesson = state["lesson"]
    computed = lesson.plan.kind == "calculations"
    messages = (CALCULATIONS if computed else QUESTIONS)[lesson.language].messages(
        grade=lesson.grade,
        skill=lesson.plan.skill,
        number=number,
        material=format_material(state),
        earlier=earlier_part(state, "practice"),
        variety=_build_variety_hint(variety, lesson) if variety else "",
        lesson=explained,
    )
    try:
        reply = await model.generate_structured(
            messages,
            _batch_of(Draft if computed else QuestionDraft, number),
            max_tokens=TOKENS_EACH * number,
            language=lesson.language,
        )
    except StructuredOutputError as error:
        return Reply([], error.usage)
    items: list[Any] = reply.value.exercises  # type: ignore[attr-defined]
    found = [Draft(**{"expression": "", **item.model_dump()}) for item in items]
    return Reply(found, reply.usage)


def _build_variety_hint(number: int, lesson: Lesson) -> str:
    """Return a hint on what to write about this time."""
    if lesson.plan.kind == "questions":
        return say("lesson.other_questions", lesson.language)
    settings = say("lesson.settings", lesson.language).split("; ")
    setting = settings[number % len(settings)]
    return say("lesson.stories", lesson.language, setting=setting, skill=lesson.plan.skill)


def _extract_explanation(lesson: Lesson, written: dict[PartName, str]) -> str:
    """Return the lesson's explanation: the concept and the example."""
    parts: dict[PartName, str] = {**lesson.parts, **written}
    text = "\n".join(filter(None, [parts.get("concept"), parts.get("example")]))
    return text[:MAX_LESSON_CHARS]


async def _confirm_draft(
    model: LanguageModel, sandbox: Sandbox, lesson: Lesson, draft: Draft
) -> CheckedDraft:
    """Return the draft with a confirmed answer, or with its own if there is nothing to compute;
    None if it is unusable."""
    gives_away = any(s.sign == "=" for s in find_statements(draft.question))
    if gives_away or not in_language(f"{draft.question} {draft.answer}", lesson.language):
        return CheckedDraft(None, Usage())
    if draft.expression.strip() or needs_computing(draft.question, draft.answer):
        return await confirm(model, sandbox, draft, lesson.language)
    if lesson.plan.kind == "calculations":
        return CheckedDraft(None, Usage())
    question, answer = simplify_latex(draft.question).strip(), simplify_latex(draft.answer).strip()
    return CheckedDraft(Exercise(question=question, answer=answer, computed=False), Usage())


def _drop_duplicates(found: list[CheckedDraft], taken: list[str]) -> list[CheckedDraft]:
    """Drop exercises that ask the same as another one, or calculate with the same numbers."""
    seen = set().union(*map(_extract_similarity_keys, taken))
    fresh = []
    for item in found:
        if item.exercise and not seen & (marks := _extract_similarity_keys(item.exercise.question)):
            seen |= marks
            fresh.append(item)
    return fresh


def _extract_similarity_keys(question: str) -> set[str]:
    """Return keys shared by similar questions: their words, and their numbers if two or more."""
    numbers = sorted(re.findall(r"\d+", question))
    words = re.sub(r"[\W_]+", " ", question.lower()).strip()
    return {words, " ".join(numbers)} if len(numbers) > 1 else {words}


def count_outcomes(found: list[CheckedDraft]) -> Tally:
    """Count the drafts by outcome."""
    computed = [item.exercise for item in found if item.exercise and item.exercise.computed]
    return Tally(
        computed=len(computed),
        corrected=sum(exercise.claimed is not None for exercise in computed),
        dropped=sum(item.exercise is None for item in found),
    )


@cache
def _batch_of(item: type[Contract], number: int) -> type[Contract]:
    """Build a model whose `exercises` is a list of exactly `number` items."""
    kind: Any = list[item]  # type: ignore[valid-type]
    bounded = (kind, Field(min_length=number, max_length=number))
    return create_model("Exercises", __base__=Contract, exercises=bounded)
