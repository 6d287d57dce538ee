"""The result of a task, the same for all interfaces."""

from typing import cast

from pydantic import BaseModel, ConfigDict

from ..agents.act.report import list_effects
from ..graphs.coordinator import build_graph
from ..graphs.rules import total_iterations
from ..language.messages import Language
from ..state import (
    Answer,
    Approval,
    Attempt,
    CallResult,
    Comprehension,
    Execution,
    FileEffect,
    Output,
    Plan,
    Record,
    Reward,
    Routing,
    TaskState,
    TaskStatus,
    Usage,
    Verification,
)
from ..store.base import TaskStore, checkpoint_config


class TaskResult(BaseModel):
    """A task and its results so far. The Python API returns it as a plain dict, its JSON dump."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    task_id: str
    """The task's id, used to read, resume and rate it."""
    thread_id: str
    """The id of the first task of the thread."""
    status: TaskStatus
    """The status of the task; see the table of statuses."""
    question: str
    """The task as it was written."""
    language: Language | None
    """The language of the question; None before the first step."""
    workflow: str | None
    """The workflow played last, or the one asked for."""
    final_answer: str | None
    """The answer as text."""
    answer: Answer | None
    """The answer of a calculation: exact, as text and as LaTeX."""
    report: str | None
    """The report for the user, as Markdown."""
    outputs: dict[str, Output]
    """Latest output of each workflow, by name."""
    comprehension_output: Comprehension | None
    """What the mathematical problem says."""
    planning_output: Plan | None
    """The plan to solve the mathematical problem."""
    execution_output: Execution | None
    """The results of the plan's programs."""
    verification_output: Verification | None
    """Whether the answer was confirmed."""
    attempts: list[Attempt]
    """Every answer found to the mathematical problem, oldest first."""
    iteration_history: list[Record]
    """The Coordinator's decisions and the agents' turns, oldest first."""
    total_iterations: int
    """Number of rounds in which an agent played."""
    usage: Usage
    """Model calls, tokens and seconds of the whole task."""
    routing: Routing | None
    """Advice given when the workflow was chosen."""
    reward: Reward | None
    """Quality, cost and reward, once the task has ended."""
    input_request: str | None
    """The question to the user, with `needs_input` and `needs_approval`."""
    approvals: list[Approval]
    """The calls that wait, with `needs_approval`."""
    call_results: list[CallResult]
    """What became of the calls of actions."""
    effects: list[FileEffect]
    """Files that the task has changed, each from before the first change to after the last."""
    error: str | None
    """Why the task did not finish, with `failed` and `interrupted`."""


async def read_result(
    store: TaskStore, task_id: str, status: TaskStatus | None = None, error: str | None = None
) -> TaskResult:
    """Read a task's result from its last checkpoint.

    Args:
        status: the task's status; None reads it from the checkpoint.
        error: why the task did not finish.

    Raises:
        UnknownTask: the task is not stored here.
    """
    known = await store.get(task_id)
    snapshot = await build_graph(store.checkpointer).aget_state(checkpoint_config(task_id))
    state = cast("TaskState", snapshot.values)
    asked = [pause.value["question"] for pause in snapshot.interrupts]
    approvals = state.get("approvals", []) if asked else []
    if status is None and asked:
        status = "needs_approval" if approvals else "needs_input"
    return TaskResult(
        task_id=task_id,
        thread_id=known.thread_id,
        status=status or state.get("status", "failed"),
        question=state.get("question", known.question),
        language=state.get("language"),
        workflow=state.get("active"),
        final_answer=state.get("final_answer"),
        answer=state.get("answer"),
        report=state.get("report"),
        outputs=state.get("outputs", {}),
        comprehension_output=state.get("comprehension_output"),
        planning_output=state.get("planning_output"),
        execution_output=state.get("execution_output"),
        verification_output=state.get("verification_output"),
        attempts=state.get("attempts", []),
        iteration_history=state.get("history", []),
        total_iterations=total_iterations(state),
        usage=state.get("usage", Usage()),
        routing=state.get("routing"),
        reward=state.get("reward"),
        input_request=asked[0] if asked else None,
        approvals=approvals,
        call_results=state.get("call_results", []),
        effects=list_effects(state.get("call_results", [])),
        error=error,
    )
