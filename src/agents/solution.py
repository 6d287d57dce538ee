"""What is known of a problem's answer, in words: for the report, and for workflows that follow."""

from ..messages import say
from ..state import Answer, Output, TaskState

WORKFLOW = "solve_math"


def facts(state: TaskState, answer: Answer) -> str:
    """Each named quantity of the program that gave the answer, or the reasoning that did."""
    supporting = [a for a in state.get("attempts", []) if a.answer.exact == answer.exact]
    programs = [attempt for attempt in supporting if attempt.route == "program"]
    if not programs and supporting:
        return supporting[-1].working
    named = programs[-1].facts if programs else {}
    lines = [f"{name.replace('_', ' ')} = {value}" for name, value in named.items()]
    shown = f"{answer.text} ({answer.decimal})" if answer.decimal else answer.text
    return "\n".join(
        f"- {line}" for line in [*lines, say("report.answer_is", state["language"], answer=shown)]
    )


def solved(state: TaskState, answer: Answer, text: str) -> Output:
    """The solution as this workflow's output, with the checks of the latest verification."""
    found = state.get("verification_output")
    return Output(
        workflow=WORKFLOW,
        status="verified" if found and found.status == "PASSED" else "unverified",
        text=text,
        checks=found.checks if found else [],
        data={"answer": answer.model_dump()},
    )
