"""Performing the planned calls, and collecting what became of them."""

import asyncio
import operator
from pathlib import Path
from typing import Annotated, Any, cast, get_type_hints

from langgraph.config import get_config, get_stream_writer
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from ...actions.artifacts import Artifacts
from ...actions.catalogue import ACTIONS
from ...actions.perform import Performer
from ...actions.policy import Mode
from ...actions.spec import ActionContext
from ...actions.versions import Versions
from ...actions.workspace import Workspace
from ...context import RunContext, open_effect_log
from ...language.messages import Language, say
from ...settings import get_settings
from ...state import (
    Approval,
    Call,
    CallResult,
    MiniPlan,
    Planned,
    SingleAction,
    Turn,
    Verdict,
)
from ..turns import InputsState, QuestionState, Stopwatch, fingerprint, format_problem


class PerformInput(QuestionState, InputsState, total=False):
    """The part of the task's state that performing reads."""

    language: Language
    workspace: str | None
    planner_output: Planned | None
    call_results: list[CallResult]
    verdicts: list[Verdict]


_INPUT_KEYS = get_type_hints(PerformInput)


class PerformState(PerformInput, total=False):
    """State of the subgraph: outcomes arrive in any order."""

    outcomes: Annotated[list[CallResult | Approval], operator.add]
    approvals: list[Approval]
    turn: Turn | None


class PerformOutput(TypedDict, total=False):
    """Output of the subgraph; `call_results` has only the new ones, as its channel adds."""

    call_results: list[CallResult]
    approvals: list[Approval]
    turn: Turn | None


class CallTask(PerformInput, total=False):
    """One call to perform, sent to its own node run."""

    call: Call


def planned_calls(planned: Planned | None) -> list[Call]:
    """Return the calls of the planner's output."""
    match planned:
        case SingleAction(call=call):
            return [call]
        case MiniPlan(steps=steps):
            return steps
    return []


def list_open_calls(state: PerformInput) -> list[Call]:
    """Return the planned calls that have no result yet."""
    ended = {result.id for result in state.get("call_results", [])}
    return [call for call in planned_calls(state.get("planner_output")) if call.id not in ended]


async def run_call(state: CallTask, runtime: Runtime[RunContext]) -> PerformState:
    """Perform one call, and tell those who follow the task."""
    call = state["call"]
    watch = Stopwatch()
    write = get_stream_writer()
    action = ACTIONS[call.action]
    write({"type": "action", "call": call.id, "action": call.action, "effect": action.effect})
    if _follows_failed_write(state):
        return {"outcomes": [_skip(call, state)]}
    performer = await asyncio.to_thread(build_performer, state, runtime)
    outcome = await performer.perform(call)
    if isinstance(outcome, CallResult):
        shown = outcome.model_dump(mode="json", exclude={"data", "artifact"})
        write({"type": "result", **shown, "seconds": round(watch.seconds, 3)})
    return {"outcomes": [outcome]}


def _follows_failed_write(state: CallTask) -> bool:
    """Return whether a write of this plan has failed and this call has an effect too: what it would
    do was planned for a state that has not come about."""
    calls = {call.id: call for call in planned_calls(state.get("planner_output"))}
    results = [result for result in state.get("call_results", []) if result.id in calls]
    failed = any(r.status != "done" and ACTIONS[r.action].has_effects for r in results)
    return failed and ACTIONS[state["call"].action].has_effects


def build_performer(state: PerformInput, runtime: Runtime[RunContext]) -> Performer:
    """Return what the calls of this task are performed with. Blocking: call it in a thread."""
    task_id = get_config()["configurable"]["thread_id"]
    kept = get_settings().effects_of(task_id)
    artifacts = Artifacts(kept / "artifacts")
    results = state.get("call_results", [])
    context = ActionContext(
        workspace=Workspace(Path(str(state["workspace"]))),
        language=state["language"],
        results={
            result.id: artifacts.load(result.artifact) if result.artifact else result.data
            for result in results
            if result.status == "done"
        },
    )
    return Performer(
        context=context,
        log=open_effect_log(runtime),
        versions=Versions(kept / "versions"),
        artifacts=artifacts,
        mode=cast("Mode", state["inputs"].get("mode") or "workspace"),
        verdicts=state.get("verdicts", []),
        question=format_problem(state),
        untrusted=frozenset(result.id for result in results if result.untrusted),
    )


def prepare_call(state: PerformState, call_id: str) -> CallTask:
    """Build the input of the node run that performs a call; it sees the results so far."""
    outcomes = state.get("outcomes", [])
    results = [outcome for outcome in outcomes if isinstance(outcome, CallResult)]
    call = next(call for call in list_open_calls(state) if call.id == call_id)
    seen = [*state.get("call_results", []), *results]
    kept = {name: value for name, value in state.items() if name in _INPUT_KEYS}
    return cast("CallTask", {**kept, "call_results": seen, "call": call})


def collect_outcomes(state: PerformState) -> PerformOutput:
    """Gather results and approvals; calls that can no longer run are skipped."""
    outcomes = state.get("outcomes", [])
    results = [outcome for outcome in outcomes if isinstance(outcome, CallResult)]
    waiting = [outcome for outcome in outcomes if isinstance(outcome, Approval)]
    if not waiting:
        reached = {result.id for result in results}
        results += [_skip(call, state) for call in list_open_calls(state) if call.id not in reached]
    order = {call.id: n for n, call in enumerate(planned_calls(state.get("planner_output")))}
    results.sort(key=lambda result: order[result.id])
    failed = any(result.status != "done" for result in results)
    waits = [say("act.waits", state["language"], call=approval.call) for approval in waiting]
    summary = "; ".join(
        [f"{r.id}: {r.preview.splitlines()[0] if r.preview else r.status}" for r in results] + waits
    )
    return {
        "call_results": results,
        "approvals": waiting,
        "turn": Turn(
            actor="perform",
            summary=summary[:300],
            fingerprint=fingerprint(*results, *waiting),
            failed=failed,
        ),
    }


def _skip(call: Call, state: PerformInput) -> CallResult:
    return CallResult(
        id=call.id,
        action=call.action,
        params=call.params,
        status="skipped",
        preview=say("act.skipped", state["language"], needs=", ".join(call.depends_on) or "-"),
    )


def find_outcomes(state: PerformState) -> dict[str, Any]:
    """Return the outcomes of the calls performed in this turn.

    A call that waits counts as failed, since nothing that needs it may begin; so do all calls once
    one has failed that stops the plan.
    """
    calls = list_open_calls(state)
    rules = {call.id: call.on_failure for call in calls}
    found: dict[str, Any] = {}
    for outcome in state.get("outcomes", []):
        if isinstance(outcome, Approval):
            found[outcome.call] = "failed"
        else:
            goes_on = outcome.status == "done" or rules[outcome.id] == "continue"
            found[outcome.id] = "done" if goes_on else "failed"
    if any(rules[name] == "stop" and outcome == "failed" for name, outcome in found.items()):
        return {call.id: found.get(call.id, "failed") for call in calls}
    return found
