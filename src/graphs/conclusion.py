"""What a workflow made: entered into the state, and laid out for the person at the end."""

from collections.abc import Mapping

from ..agents.turns import fingerprint
from ..language.messages import Language, say
from ..state import Check, Output, Source, Status, TaskState, Turn, Usage, output_of


def record_output(
    actor: str,
    output: Output,
    *,
    summary: str,
    inputs: str = "",
    usage: Usage | None = None,
    seconds: float = 0.0,
) -> TaskState:
    """The state update of an action that made something.

    Args:
        actor: the action's name.
        output: what it made, under its workflow's name.
        summary: one line for people.
        inputs: what it worked from, to tell a stall.
        usage: what its model calls cost.
        seconds: how long it took.
    """
    spent = usage or Usage()
    return {
        "outputs": {output.workflow: output},
        "turn": Turn(
            actor=actor,
            summary=summary[:300],
            fingerprint=fingerprint(inputs, output),
            usage=spent,
            seconds=seconds,
            failed=output.status != "verified",
        ),
        "usage": spent,
    }


def build_output(
    workflow: str,
    text: str,
    checks: list[Check],
    *,
    sources: list[Source] | None = None,
    data: dict[str, object] | None = None,
) -> Output:
    """An output that is verified exactly when all its checks passed."""
    return Output(
        workflow=workflow,
        status="verified" if all(check.passed for check in checks) else "unverified",
        text=text,
        checks=checks,
        sources=sources or [],
        data=data or {},
    )


def has_output(state: TaskState, workflow: str) -> bool:
    """Whether the workflow has made something."""
    return output_of(state, workflow) is not None


def has_verified_output(state: TaskState, workflow: str) -> bool:
    """Whether what the workflow made passed all its checks."""
    output = output_of(state, workflow)
    return output is not None and output.status == "verified"


def may_improve(state: TaskState, workflow: str) -> bool:
    """Whether the workflow has made nothing yet, or something that failed a check."""
    output = output_of(state, workflow)
    return output is None or output.status == "unverified"


def list_failed_checks(state: TaskState, workflow: str) -> list[str]:
    """The checks that did not pass, one line each."""
    output = output_of(state, workflow)
    if output is None:
        return []
    return [f"{output.status}"] + [f"{c.name}: {c.detail}" for c in output.checks if not c.passed]


def conclude(
    state: TaskState, workflow: str, names: Mapping[str, Mapping[Language, str]]
) -> TaskState:
    """End the task with the workflow's output: its text, its sources, and what was checked."""
    output, language = output_of(state, workflow), state["language"]
    if output is None:
        return {
            "status": "no_answer",
            "final_answer": None,
            "report": say("made.nothing", language),
        }
    status: Status = output.status
    found = output.text if status != "no_answer" else None
    pieces = [
        output.text,
        _format_sources(output, language),
        _format_checks(output, names, language),
    ]
    return {"status": status, "final_answer": found, "report": "\n\n".join(filter(None, pieces))}


def _format_sources(output: Output, language: Language) -> str:
    if not output.sources:
        return ""
    lines = [f"{source.number}. {source.title} ({source.location})" for source in output.sources]
    return "\n".join([f"**{say('made.sources', language)}**", "", *lines])


def _format_checks(
    output: Output, names: Mapping[str, Mapping[Language, str]], language: Language
) -> str:
    failed = [c for c in output.checks if not c.passed]
    shown = failed or output.checks
    if not shown or output.status == "no_answer":
        return ""
    lines = "; ".join(f"{names[c.name][language]} ({c.detail})" for c in shown)
    return say(f"made.{'unverified' if failed else 'verified'}", language, checks=lines)
