"""TeachingExplain: writes the parts of the lesson, each separately."""

import re
from typing import Any

from langchain_core.messages import AnyMessage
from langgraph.runtime import Runtime
from langgraph.types import Send

from ...context import RunContext, get_sandbox, resolve_model
from ...language.messages import Language, say
from ...language.reading import repair_text
from ...language.text import split_sentences
from ...models.client import LanguageModel, Reply
from ...prompts import load_prompt
from ...state import Usage
from ...tools.arithmetic import simplify_latex, wrong_statements
from ...tools.sandbox import Sandbox
from ..turns import Stopwatch, report_progress
from .answers import confirm
from .checks import check_lesson, get_max_sentence_length
from .contracts import (
    Exercise,
    Lesson,
    LessonInput,
    LessonState,
    PartName,
    PartTask,
    Tally,
    earlier_part,
    format_material,
    get_headings,
)
from .exercises import count_outcomes, draft_exercises

PART = load_prompt("lesson/part")
EXAMPLE = load_prompt("lesson/example")
MAX_TOKENS = 300
MAX_DRAFTS, TEMPERATURE = 3, 0.7
"""Most drafts of a part that has to be rewritten, and their temperature."""
SENTENCES: dict[PartName, tuple[int, int]] = {
    "introduction": (3, 4),
    "concept": (4, 7),
    "example": (4, 6),
    "practice": (2, 4),
    "summary": (2, 3),
}
"""Fewest and most sentences requested for each part."""

_NOISE = re.compile(r"^(?:#{1,6} .*|```.*|-{3,})$", re.MULTILINE)
_CONCLUSION = re.compile(r"^\W*(?:answer|so the answer is|答案?)\W*[:：].*$", re.I | re.MULTILINE)


def parts_to_write(state: LessonState) -> list[Send] | str:
    """Return a run of `teaching_explain` for each part to write, or else the exercises' node."""
    given = {name: state[name] for name in LessonInput.__annotations__ if name in state}  # type: ignore[literal-required]
    sends = [
        Send("teaching_explain", {**given, "lesson": state["lesson"], "part": p, "fault": fault})
        for p, fault in state["faults"].items()
    ]
    return sends or "exercise_generate"


async def teaching_explain(state: PartTask, runtime: Runtime[RunContext]) -> LessonState:
    """Write one part: its text to `written`, a worked example's problem to `problems`."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    sandbox = get_sandbox()
    lesson = state["lesson"]
    part = state["part"]
    update = LessonState()
    usage = Usage()
    if _is_worked(state):
        problem = lesson.example
        if problem is None:
            problem, tally, usage = await _draft_problem(model, sandbox, state)
            update["tallies"] = [tally]
        if problem:
            update["problems"] = [problem]
            state = {**state, "lesson": lesson.model_copy(update={"example": problem})}
    if state["fault"]:
        text = await _rewrite_part(model, sandbox, state)
    else:
        text = await _draft_part(model, state)
    report_progress("teach_explain", get_headings(lesson.language)[part])
    return {
        **update,
        "written": {part: text.value},
        "costs": [("parts", usage + text.usage, watch.seconds)],
    }


def _is_worked(state: PartTask) -> bool:
    """Return whether the part is an example with a computed answer."""
    return state["part"] == "example" and state["lesson"].plan.kind == "calculations"


async def _draft_part(model: LanguageModel, state: PartTask, **sampling: Any) -> Reply[str]:
    lesson = state["lesson"]
    part = state["part"]
    problem = lesson.example if _is_worked(state) else None
    if _is_worked(state) and problem is None:
        return Reply("", Usage())
    messages = _build_example_messages(state, problem) if problem else _build_part_messages(state)
    reply = await model.generate_text(messages, max_tokens=MAX_TOKENS, aloud=True, **sampling)
    text = clean_part(reply.value, part, lesson.language, cut_off=reply.cut_off)
    if problem:
        text = _format_example(problem, _CONCLUSION.sub("", text).strip(), lesson.language)
    return Reply(text, reply.usage)


async def _rewrite_part(model: LanguageModel, sandbox: Sandbox, state: PartTask) -> Reply[str]:
    """Return the first draft that passes the checks, or else the last one without its wrong
    arithmetic. Drafts are sampled: at temperature 0 a small model repeats what it was told is
    wrong."""
    lesson = state["lesson"]
    part = state["part"]
    usage = Usage()
    text = ""
    for draw in range(MAX_DRAFTS):
        seed = MAX_DRAFTS * len(lesson.tries) + draw
        reply = await _draft_part(model, state, temperature=TEMPERATURE, seed=seed)
        text = reply.value
        usage += reply.usage
        anew = lesson.model_copy(update={"parts": {**lesson.parts, part: text}})
        if part not in (await check_lesson(sandbox, anew)).faults:
            return Reply(text, usage)
    problem = lesson.example
    if _is_worked(state) and problem and await wrong_statements(sandbox, text):
        steps = f"{problem.working} = {problem.answer}" if problem.working else ""
        return Reply(_format_example(problem, steps, lesson.language), usage)
    return Reply(await without_wrong(sandbox, text), usage)


def _build_part_messages(state: PartTask) -> list[AnyMessage]:
    lesson = state["lesson"]
    part = state["part"]
    fewest, most = SENTENCES[part]
    return PART[lesson.language].messages(
        title=lesson.title,
        grade=lesson.grade,
        goals="; ".join(lesson.plan.goals),
        part=say(f"lesson.ask.{part}", lesson.language),
        length=say(
            "lesson.ask.length",
            lesson.language,
            fewest=fewest,
            most=most,
            words=_get_word_limit(lesson),
        ),
        fault=_format_repair_note(state),
        material=format_material(state),
        earlier=earlier_part(state, part),
    )


def _build_example_messages(state: PartTask, problem: Exercise) -> list[AnyMessage]:
    """Build the request for the steps to an answer that two routes agree on."""
    lesson = state["lesson"]
    return EXAMPLE[lesson.language].messages(
        grade=lesson.grade,
        question=problem.question,
        working=problem.working or "-",
        answer=problem.answer,
        words=_get_word_limit(lesson),
        fault=_format_repair_note(state),
    )


async def _draft_problem(
    model: LanguageModel, sandbox: Sandbox, state: PartTask
) -> tuple[Exercise | None, Tally, Usage]:
    """Return the first of two drafts that can be confirmed, or None."""
    drafted = await draft_exercises(model, state, 2, variety=1 + len(state["lesson"].tries))
    tally = Tally()
    usage = drafted.usage
    for draft in drafted.value:
        found = await confirm(model, sandbox, draft, state["lesson"].language)
        usage += found.usage
        tally += count_outcomes([found])
        if found.exercise:
            return found.exercise, tally, usage
    return None, tally, usage


def _format_example(problem: Exercise, steps: str, language: Language) -> str:
    answer = f"**{say('lesson.answer', language)}** {problem.answer}"
    return "\n\n".join(filter(None, [problem.question, steps, answer]))


def clean_part(text: str, part: PartName, language: Language, *, cut_off: bool = False) -> str:
    """Remove from a model's text what is not part of the lesson: headings, its label, fences,
    repetitions, a cut-off end."""
    text = simplify_latex(_NOISE.sub("", text)).strip()
    label = re.escape(get_headings(language)[part])
    text = re.sub(rf"\A\W*{label}\W*[:：\n]\W*", "", text, flags=re.IGNORECASE)
    text = repair_text(text, language, cut_off=cut_off, goes_on=part in ("example", "practice"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


async def without_wrong(sandbox: Sandbox, text: str) -> str:
    """Drop the sentences with wrong arithmetic, as a last resort when rewriting has not helped."""
    kept = []
    for line in text.splitlines():
        sentences = split_sentences(line)
        right = [s for s in sentences if not await wrong_statements(sandbox, s)]
        kept.append("".join(right).rstrip())
    return "\n".join(kept).strip()


def _format_repair_note(state: PartTask) -> str:
    lesson = state["lesson"]
    fault = state["fault"]
    if not fault:
        return ""
    return say("lesson.mend", lesson.language, fault=fault)


def _get_word_limit(lesson: Lesson) -> int:
    """Return the sentence length to request, below the allowed average, which models exceed."""
    return get_max_sentence_length(lesson.grade, lesson.language) * 3 // 4
