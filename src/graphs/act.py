"""The workflow `act`: carries out a task over the files of a workspace.

The planner says which calls come next, `perform` carries them out, `approve` asks the user where
the policy wants it, and the planner looks at the results, until it says that the task is done.
"""

from collections.abc import Mapping
from typing import Any, Literal, cast

from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from ..actions.catalogue import ACTIONS
from ..agents.act.approve import ask_approval
from ..agents.act.perform import (
    PerformInput,
    PerformOutput,
    PerformState,
    collect_outcomes,
    find_outcomes,
    list_open_calls,
    planned_calls,
    prepare_call,
    run_call,
)
from ..agents.act.planner import plan_next
from ..agents.act.report import NAME, report_actions
from ..agents.turns import count_turns, define_input
from ..context import RunContext
from ..language.messages import say
from ..state import Call, CallResult, Done, NeedInput, TaskState
from .dag import Dag, build_dag
from .registry import Agent, Workflow, register
from .rules import MAX_QUESTIONS

PLANNER = "planner"
APPROVE = "approve"
PERFORM = "perform"
MAX_ROUNDS = 8


class ActInputs(BaseModel):
    """What may be given besides the question."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["read_only", "workspace", "ask"] = define_input(
        "workspace",
        en="read_only changes nothing; workspace writes files and asks before deleting; ask asks "
        "before every change",
        zh="read_only 什么都不改；workspace 可写文件、删除前询问；ask 每次改动前都询问",
    )
    plans: bool | None = define_input(
        None,
        en="whether several calls may be planned at once; by default with any model but the "
        "embedded one",
        zh="是否允许一次计划多个动作；默认除内置模型外都允许",
    )
    max_rounds: int = define_input(
        MAX_ROUNDS, ge=1, le=40, en="plans after which the task ends", zh="最多计划几次"
    )


def build_perform() -> CompiledStateGraph[Any, RunContext, Any, Any]:
    """Compile the subgraph that performs the planned calls, independent ones side by side."""
    dag = Dag(
        needs=_needs,
        outcomes=find_outcomes,
        prepare=prepare_call,
        run=run_call,
        conclude=collect_outcomes,
    )
    return build_dag(
        dag, run="run_call", state=PerformState, inputs=PerformInput, output=PerformOutput
    )


def _needs(state: PerformState) -> Mapping[str, list[str]]:
    calls = list_open_calls(state)
    mine = {call.id for call in calls}
    return {
        call.id: [need for need in call.depends_on if need in mine]
        + [other.id for other in calls[:place] if _must_not_overlap(other, call)]
        for place, call in enumerate(calls)
    }


def _must_not_overlap(earlier: Call, later: Call) -> bool:
    """Return whether a call must wait for an earlier one: what a command changes is found by
    comparing the workspace, so nothing else may change it meanwhile."""
    both = (ACTIONS[earlier.action], ACTIONS[later.action])
    commands = any(action.effect == "execute" for action in both)
    return commands and all(action.has_effects for action in both)


def _has_workspace(state: TaskState) -> bool:
    return state.get("workspace") is not None


def _may_perform(state: TaskState) -> bool:
    return bool(list_open_calls(cast("PerformInput", state))) and not state.get("approvals")


def _may_plan(state: TaskState) -> bool:
    rounds = state["inputs"].get("max_rounds") or MAX_ROUNDS
    if count_turns(state, PLANNER) >= rounds or isinstance(state.get("planner_output"), Done):
        return False
    return not _must_ask(state) and not list_open_calls(cast("PerformInput", state))


def _find_failed_to_ask_about(state: TaskState) -> CallResult | None:
    """Return the failed call of the last plan about which the user is to be asked, or None."""
    calls = planned_calls(state.get("planner_output"))
    about = {call.id for call in calls if call.on_failure == "ask"}
    results = state.get("call_results", [])
    return next((r for r in results if r.id in about and r.status != "done"), None)


def _is_answered(state: TaskState) -> bool:
    """Return whether the user has answered since the planner's last turn."""
    history = state.get("history", [])
    last = max(n for n, record in enumerate(history) if record.actor == PLANNER)
    return any(record.actor == "need_input" for record in history[last:])


def _may_ask(state: TaskState) -> bool:
    return bool(state.get("approvals"))


def _may_complete(state: TaskState) -> bool:
    planned = state.get("planner_output")
    return isinstance(planned, Done)


def _must_ask(state: TaskState) -> bool:
    """Return whether the user has to be asked before the planner goes on."""
    planned = state.get("planner_output")
    asks = isinstance(planned, NeedInput) or _find_failed_to_ask_about(state) is not None
    return asks and not _is_answered(state) and count_turns(state, "need_input") < MAX_QUESTIONS


def _signals(state: TaskState) -> list[str]:
    planned = state.get("planner_output")
    return [f"{planned.outcome}: {planned.message}"] if isinstance(planned, Done) else []


def _question(state: TaskState) -> str:
    planned = state.get("planner_output")
    failed = _find_failed_to_ask_about(state)
    if failed:
        return say("act.failed_step", state["language"], name=failed.id, problem=failed.preview)
    if not isinstance(planned, NeedInput):
        return ""
    options = " / ".join(planned.options)
    return f"{planned.question} ({options})" if options else planned.question


async def _report(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    return report_actions(state)


ACT = register(
    Workflow(
        name=NAME,
        description={
            "en": "work on the files of the folder: read, search, change, compute, create files.",
            "zh": "处理文件夹里的文件：读取、查找、修改、统计、新建文件。",
        },
        inputs=ActInputs,
        agents=(
            Agent(
                PLANNER,
                {"en": "says what to do next.", "zh": "决定下一步做什么。"},
                plan_next,
                _may_plan,
            ),
            Agent(
                APPROVE,
                {"en": "asks the person for approval.", "zh": "请用户批准。"},
                ask_approval,
                _may_ask,
            ),
            Agent(
                PERFORM,
                {"en": "carries out the planned actions.", "zh": "执行计划好的动作。"},
                build_perform(),
                _may_perform,
            ),
        ),
        checks={
            "effects": {
                "en": "every change was read back",
                "zh": "每处改动写入后都已读回核对",
            },
            "claims": {
                "en": "what is said to be done has a record",
                "zh": "所说的改动都有记录",
            },
            "grounded": {
                "en": "the numbers come from the results",
                "zh": "数字出自结果",
            },
        },
        weights={"effects": 2, "claims": 2, "grounded": 2},
        called_for=_has_workspace,
        available=_has_workspace,
        complete=_may_complete,
        need_input=_must_ask,
        question=_question,
        signals=_signals,
        report=_report,
    )
)
