"""The end of a task of actions: the planner's message, checked, and what was changed."""

from ...language.messages import Language, say
from ...state import CallResult, Check, Done, FileEffect, Output, TaskState
from ..turns import format_problem
from .claims import find_unfounded_claim, find_unfounded_numbers, join_evidence

NAME = "act"


def report_actions(state: TaskState) -> TaskState:
    """End the task with what was found and done; a claim without a record is put right."""
    language = state["language"]
    results = state.get("call_results", [])
    planned = state.get("planner_output")
    done = planned if isinstance(planned, Done) else None
    message = done.message if done else say("act.unfinished", language)
    checks = check_message(message, results, state)
    if not next(check for check in checks if check.name == "claims").passed:
        message = f"{say('act.nothing_changed', language)} {message}"
    verified = done is not None and done.outcome == "complete" and all(c.passed for c in checks)
    effects = list_effects(results)
    lines = [message, *_format_effects(effects, language), *_format_open(results, done, language)]
    output = Output(
        workflow=NAME,
        status="verified" if verified else "unverified",
        text=message,
        checks=checks,
        data={"effects": [effect.model_dump() for effect in effects]},
    )
    return {
        "status": output.status,
        "final_answer": message,
        "report": "\n\n".join(lines),
        "outputs": {NAME: output},
    }


def check_message(message: str, results: list[CallResult], state: TaskState) -> list[Check]:
    """Check what the message says against the records of what was done."""
    language = state["language"]
    effects = list_effects(results)
    claim = find_unfounded_claim(message, results)
    evidence = join_evidence(format_problem(state), results, effects)
    foreign = find_unfounded_numbers(message, evidence)
    checks = [
        Check(name="claims", passed=claim is None, detail=claim or "-"),
        Check(name="grounded", passed=not foreign, detail=", ".join(foreign) or "-"),
    ]
    if effects:
        checks.insert(
            0,
            Check(
                name="effects",
                passed=True,
                detail=say("act.files_changed", language, count=len(effects)),
            ),
        )
    return checks


def list_effects(results: list[CallResult]) -> list[FileEffect]:
    """Return the task's effects, one for each file: from before the first to after the last, with
    the diffs one after the other."""
    merged: dict[str, FileEffect] = {}
    for effect in (effect for result in results for effect in result.effects):
        first = merged.get(effect.path)
        if first:
            diff = "\n".join(filter(None, (first.diff, effect.diff)))
            effect = effect.model_copy(update={"before": first.before, "diff": diff})
        merged[effect.path] = effect
    return [effect for effect in merged.values() if effect.before != effect.after]


def _format_effects(effects: list[FileEffect], language: Language) -> list[str]:
    if not effects:
        return []
    lines = []
    for effect in effects:
        kind = "deleted" if effect.after is None else "changed" if effect.before else "created"
        lines.append(f"- {say(f'act.effect.{kind}', language, path=effect.path)}")
    return ["\n".join([say("act.effects", language), "", *lines])]


def _format_open(results: list[CallResult], done: Done | None, language: Language) -> list[str]:
    """Return what went wrong, unless the planner completed the task."""
    if done and done.outcome == "complete":
        return []
    lines = [f"- {r.action}: {r.preview.splitlines()[0]}" for r in results if r.status != "done"]
    return ["\n".join([say("act.failures", language), "", *lines])] if lines else []
