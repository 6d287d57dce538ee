"""Known facts about a problem's answer in words, for the report and for later workflows."""

from ...language.messages import say
from ...state import Answer, Attempt, Check, Output, Route, TaskState

WORKFLOW = "solve_math"


def format_facts(state: TaskState, answer: Answer) -> str:
    """Format the named quantities of the program that found the answer, or else the reasoning that
    did."""
    programs = _find_supporting_attempts(state, answer, "program")
    if not programs and (reasoning := find_reasoning(state, answer)):
        return reasoning
    named = programs[-1].facts if programs else {}
    lines = [f"{name.replace('_', ' ')} = {value}" for name, value in named.items()]
    shown = f"{answer.text} ({answer.decimal})" if answer.decimal else answer.text
    return "\n".join(
        f"- {line}" for line in [*lines, say("report.answer_is", state["language"], answer=shown)]
    )


def find_reasoning(state: TaskState, answer: Answer) -> str:
    """Return the reasoning in words that found the answer; empty if there is none."""
    found = _find_supporting_attempts(state, answer, "reasoning")
    return found[-1].working if found else ""


def _find_supporting_attempts(state: TaskState, answer: Answer, route: Route) -> list[Attempt]:
    attempts = state.get("attempts", [])
    return [a for a in attempts if a.route == route and a.answer.written == answer.written]


def build_solution_output(state: TaskState, answer: Answer, text: str) -> Output:
    """Build the workflow's output from the solution, with the checks of the latest verification."""
    found = state.get("verification_output")
    return Output(
        workflow=WORKFLOW,
        status="verified" if found and found.status == "PASSED" else "unverified",
        text=text,
        checks=[
            check.model_copy(update={"detail": format_finding(check, state)})
            for check in (found.checks if found else [])
        ],
        data={"answer": answer.model_dump()},
    )


def format_check(check: Check, state: TaskState) -> str:
    """Format a check and its finding as a sentence for the user."""
    name = check.name
    executed = state.get("execution_output")
    if name == "ran" and executed and executed.answer:
        name = "computed"
    key = f"report.{'check' if check.passed else 'failed'}.{name}"
    return say(key, state["language"], detail=format_finding(check, state))


def format_finding(check: Check, state: TaskState) -> str:
    """Format the finding of a check for the user."""
    language = state["language"]
    details = [check.detail]
    if check.name == "form":
        details = [say(f"report.form.{name}", language) for name in check.detail.split(", ")]
    elif check.name == "second_route":
        details = [
            say(f"report.route.{attempt.route}", language, answer=attempt.answer.text)
            for attempt in state.get("attempts", [])
        ]
    return say("report.comma", language).join(details)
