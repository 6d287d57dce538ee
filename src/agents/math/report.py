"""The final report: a worked solution made only of verified facts.

The Coordinator's model writes it. Its prose is rejected if it contains a number that is neither in
the problem nor in the results, does not end with the answer, or has a fault found by
`language/reading.py` (repetition, an unfinished end, a slip into another language). The report then
shows the reasoning that found the same answer, or else another draft that passes, or else the bare
facts.
"""

import re

from langgraph.runtime import Runtime

from ...context import RunContext, resolve_model
from ...errors import ModelError
from ...language.messages import say
from ...language.reading import find_faults, repair_text
from ...models.client import Reply
from ...prompts import load_prompt
from ...state import Answer, Status, TaskState, Usage
from ...tools.numbers import extract_numbers, unknown_numbers
from ..turns import format_problem
from .solution import (
    WORKFLOW,
    build_solution_output,
    find_reasoning,
    format_check,
    format_facts,
)

PROMPT = load_prompt("math/report")
MAX_TOKENS = 700
DRAFT_TEMPERATURES = (0.0, 0.7)
"""Temperatures of the drafts; at the same temperature the second would repeat the first."""

_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")


async def write_report(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Conclude a mathematical task. Sets `status`, `final_answer` and `report`, and if there is an
    answer also `answer` and `outputs`."""
    answer, status = _choose_answer(state)
    if answer is None:
        return {"status": status, "final_answer": None, "report": _explain_no_answer(state)}
    solution = await _write_solution(runtime, state, answer)
    laid_out = _format_report(solution.value, answer, state, status)
    return {
        "status": status,
        "answer": answer,
        "final_answer": answer.text,
        "report": laid_out,
        "outputs": {WORKFLOW: build_solution_output(state, answer, laid_out)},
        "usage": solution.usage,
    }


async def _write_solution(
    runtime: Runtime[RunContext], state: TaskState, answer: Answer
) -> Reply[str]:
    """Return the solution in words; if the model's prose is unusable, reasoning or facts."""
    problem = format_problem(state)
    usage = Usage()
    language = state["language"]
    known = _BOXED.sub(r"\1", format_facts(state, answer))
    reasoning = _BOXED.sub(r"\1", find_reasoning(state, answer))
    if find_faults(reasoning, language, known=problem):
        reasoning = ""
    messages = PROMPT[language].messages(problem=problem, facts=known, answer=answer.text)
    for draft, temperature in enumerate(DRAFT_TEMPERATURES[: 1 if reasoning else None]):
        try:
            reply = await (await resolve_model(runtime)).generate_text(
                messages,
                max_tokens=MAX_TOKENS,
                temperature=temperature,
                seed=draft or None,
                aloud=not draft,
            )
        except ModelError:
            break
        usage += reply.usage
        text = _BOXED.sub(r"\1", reply.value).strip()
        if (
            not unknown_numbers(text, problem + known + reasoning)
            and ends_with(answer, text)
            and not find_faults(text, language, known=problem, cut_off=reply.cut_off)
        ):
            return Reply(text, usage)
    return Reply(reasoning or repair_text(known, language), usage)


def ends_with(answer: Answer, text: str) -> bool:
    """Return whether the last paragraph with numbers has the answer's, possibly as percentages."""
    named = [found for paragraph in text.split("\n\n") if (found := extract_numbers(paragraph))]
    last = named[-1] if named else set()
    forms = filter(None, (answer.text, answer.decimal))
    return bool(text) and any(
        extract_numbers(form) <= last | {v / 100 for v in last} for form in forms
    )


def _choose_answer(state: TaskState) -> tuple[Answer | None, Status]:
    """Return the answer to give and its status; one that did not pass is unverified."""
    found, executed = state.get("verification_output"), state.get("execution_output")
    if found is not None:
        status: Status = "verified" if found.status == "PASSED" else "unverified"
        return found.answer, status if found.answer else "no_answer"
    if executed is not None and executed.answer is not None:
        return executed.answer, "unverified"
    return None, "no_answer"


def _format_report(solution: str, answer: Answer, state: TaskState, status: Status) -> str:
    language = state["language"]
    decimal = f" ≈ {answer.decimal}" if answer.decimal else ""
    found = state.get("verification_output")
    checks = [
        format_check(check, state)
        for check in (found.checks if found else [])
        if check.passed == (status == "verified")
    ]
    return "\n\n".join(
        (
            f"## {say('report.solution', language)}",
            solution,
            f"**{say('report.answer', language)}** ${answer.latex}${decimal}",
            say(f"report.{status}", language, checks="; ".join(checks)).strip(),
        )
    )


def _explain_no_answer(state: TaskState) -> str:
    """Explain why there is no answer, as far as known."""
    comprehended, executed = state.get("comprehension_output"), state.get("execution_output")
    language = state["language"]
    if comprehended and comprehended.problem_type == "not_a_problem":
        return say("report.not_a_problem", language)
    if comprehended and comprehended.missing:
        return say("report.missing", language, missing="; ".join(comprehended.missing))
    if executed and executed.error:
        return say("report.no_answer", language, error=executed.error)
    return say("report.no_rounds", language, rounds=state["max_iterations"])
