"""What a workflow made: entered into the state, and laid out for the person at the end."""

from collections.abc import Mapping

from ..agents.turns import fingerprint
from ..language.messages import Language, say
from ..language.reading import find_faults, find_repeats, repair_text
from ..state import Check, Output, Source, Status, TaskState, Turn, Usage, output_of

READABLE = "readable"
"""The check of every text that is shown; an output has it only where it failed."""


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
    language: Language | None = None,
    known: str = "",
) -> Output:
    """An output that is verified exactly when all its checks passed and a person can read it.

    Args:
        workflow: Its workflow's name.
        text: What the person gets.
        checks: What was checked of it.
        sources: What it rests on.
        data: The parts it was made of.
        language: The one the text is to be in; with None it is read when the task is concluded.
        known: What the text may quote: the question, an opening.
    """
    output = Output(
        workflow=workflow,
        status="verified" if all(check.passed for check in checks) else "unverified",
        text=text,
        checks=checks,
        sources=sources or [],
        data=data or {},
        language=language,
    )
    return proofread(output, language, known) if language else output


def proofread(output: Output, language: Language, known: str = "") -> Output:
    """The output as a person can read it: without what its text repeats, without an end that
    breaks off. One whose text has a fault that cannot be left out is not verified, and says why.

    Args:
        output: What a workflow made.
        language: The one its text is to be in.
        known: What the text may quote, as it stands: the question, an opening.
    """
    if output.status == "no_answer":
        return output
    quotable = "\n".join([known, *(f"{s.title}\n{s.text}" for s in output.sources)])
    given = {fault.quote for fault in find_repeats(known, language)}
    text = output.text
    if not given:
        text = repair_text(text, language)
    faults = [f for f in find_faults(text, language, known=quotable) if f.quote not in given]
    checks = [check for check in output.checks if check.name != READABLE]
    if not faults:
        return output.model_copy(update={"text": text, "checks": checks})
    detail = "; ".join(
        say(f"text.{fault.kind}", language, quote=fault.quote) for fault in faults[:3]
    )
    checks.append(Check(name=READABLE, passed=False, detail=detail))
    return output.model_copy(update={"text": text, "checks": checks, "status": "unverified"})


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
    """What the person wrote: the question and the texts among the inputs."""
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


def _format_checks(
    output: Output, names: Mapping[str, Mapping[Language, str]], language: Language
) -> str:
    failed = [c for c in output.checks if not c.passed]
    shown = failed or output.checks
    if not shown or output.status == "no_answer":
        return ""
    lines = "; ".join(f"{_name_check(c.name, names, language)} ({c.detail})" for c in shown)
    return say(f"made.{'unverified' if failed else 'verified'}", language, checks=lines)
