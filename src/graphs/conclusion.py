"""Outputs of workflows: recorded in the state, and presented to the user at the end."""

from collections.abc import Mapping

from ..agents.turns import fingerprint
from ..language.messages import Language, say
from ..language.reading import find_faults, find_repeats, repair_text
from ..state import Check, Output, Source, Status, TaskState, Turn, Usage, output_of

READABLE = "readable"
"""Name of the check that a text is readable; outputs include it only if it failed."""


def record_output(
    actor: str,
    output: Output,
    *,
    summary: str,
    note: str = "",
    inputs: str = "",
    usage: Usage | None = None,
    seconds: float = 0.0,
) -> TaskState:
    """Return the state update of an agent that produced an output.

    Args:
        actor: name of the agent.
        output: the output, under its workflow's name.
        summary: one line for the Coordinator.
        note: the line for the user, if that is another one.
        inputs: what the output is based on, to detect a stall.
        usage: model usage.
        seconds: time taken.
    """
    spent = usage or Usage()
    return {
        "outputs": {output.workflow: output},
        "turn": Turn(
            actor=actor,
            summary=summary[:300],
            note=note[:300],
            fingerprint=fingerprint(inputs, output),
            usage=spent,
            seconds=seconds,
            failed=output.status == "no_answer" or any(not c.passed for c in output.checks),
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
    language: Language | None = None,
    known: str = "",
    mixed: bool = False,
) -> Output:
    """Return an output, verified if and only if all its checks passed and its text is readable.

    Args:
        workflow: Name of the workflow.
        text: Text for the user.
        checks: Results of the checks.
        sources: Sources that the text cites.
        data: Parts of the output as plain data.
        language: Expected language of the text; None postpones proofreading to the task's end.
        known: Text that may be quoted: the question, an opening.
        mixed: Whether the text is meant to have several languages, or a third one.
    """
    output = Output(
        workflow=workflow,
        status="verified" if all(check.passed for check in checks) else "unverified",
        text=text,
        checks=checks,
        sources=sources or [],
        data=data or {},
        language=language,
        mixed=mixed,
    )
    return proofread(output, language, known) if language else output


def proofread(output: Output, language: Language, known: str = "") -> Output:
    """Return the output in readable form, without repetitions and without an unfinished end.

    If its text has a fault that cannot be removed, the output is unverified and a failed check says
    why.

    Args:
        output: Output of a workflow.
        language: Expected language of the text.
        known: Text that may be quoted as it is: the question, an opening.
    """
    if output.status == "no_answer":
        return output
    quotable = "\n".join([known, *(f"{s.title}\n{s.text}" for s in output.sources)])
    given = {fault.quote for fault in find_repeats(known, language)}
    text = output.text
    if not given:
        text = repair_text(text, language)
    faults = [f for f in find_faults(text, language, known=quotable) if f.quote not in given]
    if output.mixed:
        faults = [fault for fault in faults if fault.kind != "other_language"]
    checks = [check for check in output.checks if check.name != READABLE]
    if not faults:
        return output.model_copy(update={"text": text, "checks": checks})
    detail = "; ".join(
        say(f"text.{fault.kind}", language, quote=fault.quote) for fault in faults[:3]
    )
    checks.append(Check(name=READABLE, passed=False, detail=detail))
    return output.model_copy(update={"text": text, "checks": checks, "status": "unverified"})


def has_output(state: TaskState, workflow: str) -> bool:
    """Return whether the workflow has an output."""
    return output_of(state, workflow) is not None


def has_verified_output(state: TaskState, workflow: str) -> bool:
    """Return whether the workflow has an output that passed all its checks."""
    output = output_of(state, workflow)
    return output is not None and output.status == "verified"


def may_improve(state: TaskState, workflow: str) -> bool:
    """Return whether the workflow has no output yet, or one that failed a check."""
    output = output_of(state, workflow)
    return output is None or output.status == "unverified"


def describe_output(state: TaskState, workflow: str) -> list[str]:
    """Return the output's status, then its failed checks, one line each; empty without an
    output."""
    output = output_of(state, workflow)
    if output is None:
        return []
    return [f"{output.status}"] + [f"{c.name}: {c.detail}" for c in output.checks if not c.passed]


def conclude(
    state: TaskState, workflow: str, names: Mapping[str, Mapping[Language, str]]
) -> TaskState:
    """End the task with the workflow's output: its text, sources and checks."""
    output = output_of(state, workflow)
    language = state["language"]
    if output is None:
        return {
            "status": "no_answer",
            "final_answer": None,
            "report": say("made.nothing", language),
        }
    output = proofread(output, output.language or language, _join_known(state))
    status: Status = output.status
    found = output.text if status != "no_answer" else None
    pieces = [
        output.text,
        _format_sources(output, language),
        _format_checks(output, names, language),
    ]
    return {
        "status": status,
        "final_answer": found,
        "report": "\n\n".join(filter(None, pieces)),
        "outputs": {workflow: output},
    }


def _join_known(state: TaskState) -> str:
    """Return the user's own text and earlier answers: the question, text inputs, the thread's
    answers."""
    given = [value for value in state.get("inputs", {}).values() if isinstance(value, str)]
    earlier = [exchange["answer"] for exchange in state.get("earlier", [])]
    return "\n\n".join([state.get("question", ""), *given, *earlier])


def _name_check(name: str, names: Mapping[str, Mapping[Language, str]], language: Language) -> str:
    return names[name][language] if name in names else say("text.readable", language)


def _format_sources(output: Output, language: Language) -> str:
    if not output.sources:
        return ""
    lines = [f"{source.number}. {source.title} ({source.location})" for source in output.sources]
    return "\n".join([f"**{say('made.sources', language)}**", "", *lines])


def format_note(
    title: str, output: Output, names: Mapping[str, Mapping[Language, str]], language: Language
) -> str:
    """Format a turn for the user: the title of what was made, and the checks that failed."""
    failed = _format_checks(output, names, language) if output.status == "unverified" else ""
    return ". ".join(filter(None, [title, failed]))


def _format_checks(
    output: Output, names: Mapping[str, Mapping[Language, str]], language: Language
) -> str:
    failed = [c for c in output.checks if not c.passed]
    shown = failed or output.checks
    if output.status == "no_answer":
        return ""
    if not shown:
        return say("made.unchecked", language) if output.status == "unverified" else ""
    lines = "; ".join(f"{_name_check(c.name, names, language)} ({c.detail})" for c in shown)
    if failed:
        return say("made.unverified", language, checks=lines)
    key = "verified" if output.status == "verified" else "unproven"
    return say(f"made.{key}", language, checks=lines)
