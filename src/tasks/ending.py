"""Learning from a task when it ends, or when a user rates it later."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Any, cast

from langchain_core.language_models import BaseChatModel

from ..agents.turns import format_problem
from ..errors import InvalidTask, TaskBusy
from ..graphs.coordinator import REPORT, build_graph
from ..graphs.intake import clean_text
from ..graphs.registry import WORKFLOWS, list_sources
from ..learning.reward import RATING, REFERENCE
from ..learning.settle import Ending, settle
from ..learning.trace import Trace
from ..models.embedded import EmbeddedServer
from ..models.providers import choose_provider
from ..settings import get_settings
from ..state import TRACED, Reward, TaskState, TaskStatus, decisions
from ..store.base import TaskStore, checkpoint_config

RETRIES = 20
RETRY_SECONDS = 0.1
"""Retries, and seconds between them, of a rating while another process holds the task."""


class Meter:
    """Resources used by this process during a run, besides the usage reported by agents."""

    def __init__(self) -> None:
        self._loads = EmbeddedServer.loads

    def measure(self) -> dict[str, float]:
        """Return embedded model loads since creation, and the process's peak memory in MiB."""
        return {"loads": float(EmbeddedServer.loads - self._loads), **_measure_memory()}


async def reward_task(
    store: TaskStore,
    task_id: str,
    status: TaskStatus,
    *,
    error: str | None = None,
    model: str | BaseChatModel | None = None,
    meter: Meter | None = None,
) -> Reward | None:
    """Reward a task that has ended, trace it, and store the reward in its state.

    Args:
        status: its final status; a task that goes on is left unchanged.
        model: the model it was played with.

    Returns:
        The reward, or None; see `settle`.
    """
    spent = meter.measure() if meter else {}
    return await _learn(
        store, task_id, status, error=error, model=_format_model_name(model), spent=spent
    )


async def rate(
    store: TaskStore, task_id: str, rating: int, comment: str | None = None
) -> Reward | None:
    """Store a user's rating of a task's result, 1 to 5, and update its reward.

    Returns:
        The reward; None if the task has not ended or is not rewarded.

    Raises:
        UnknownTask: the task is not stored here.
        InvalidTask: the comment is not valid text.
    """
    await store.get(task_id)
    await store.rate(task_id, rating, clean_text(comment))
    return await _learn_late(store, task_id, {})


async def record_comparison(store: TaskStore, task_id: str, *, correct: bool) -> Reward | None:
    """Record whether a task's answer matches a reference, and update its reward.

    Returns:
        The reward; None if the task has not ended or is not rewarded.

    Raises:
        UnknownTask: the task is not stored here.
    """
    return await _learn_late(store, task_id, {REFERENCE: float(correct)})


async def get_reward(store: TaskStore, task_id: str) -> Reward | None:
    """Return a task's latest reward, or None."""
    return (await _load_state(store, task_id)).get("reward")


async def _learn_late(store: TaskStore, task_id: str, opinions: dict[str, float]) -> Reward | None:
    for _ in range(RETRIES):
        if (await store.get(task_id)).status not in TRACED:
            return None  # whoever plays it applies the rating at its end
        try:
            async with store.claim(task_id) as own:
                status = (await own.get(task_id)).status
                return await _learn(own, task_id, status, opinions=opinions, late=True)
        except TaskBusy:
            await asyncio.sleep(RETRY_SECONDS)
    return None


async def _learn(store: TaskStore, task_id: str, status: TaskStatus, **known: Any) -> Reward | None:
    """Learn from a task, again if it was rated in the meantime."""
    rating = await store.rating(task_id)
    reward = await _learn_once(store, task_id, status, rating, **known)
    while True:
        latest = await store.rating(task_id)
        if latest == rating:
            return reward
        rating = latest
        reward = await _learn_once(store, task_id, status, rating, **{**known, "late": True})


async def _learn_once(
    store: TaskStore,
    task_id: str,
    status: TaskStatus,
    rating: int | None,
    *,
    opinions: Mapping[str, float] | None = None,
    **known: Any,
) -> Reward | None:
    settings = get_settings()
    entry = await store.get(task_id)
    state = await _load_state(store, task_id)
    flow = WORKFLOWS.get(state.get("active") or "")
    rated = {} if rating is None else {RATING: min(1.0, max(0.0, (rating - 1) / 4))}
    ending = Ending(
        task_id=task_id,
        thread_id=entry.thread_id,
        status=status,
        state=state,
        question=format_problem(state) if "question" in state else entry.question,
        chosen=_find_chosen_workflow(state),
        weights=flow.weights if flow else {},
        sources=list_sources(),
        opinions={**rated, **(opinions or {})},
        **known,
    )
    reward = await settle(store, ending, settings, Trace.of(settings) if store.lasting else None)
    # An interrupted run resumes from its last checkpoint, so no checkpoint may be added after it.
    if reward and reward != ending.rewarded and state.get("status") == status:
        graph = build_graph(store.checkpointer)
        await graph.aupdate_state(checkpoint_config(task_id), {"reward": reward}, as_node=REPORT)
    return reward


async def _load_state(store: TaskStore, task_id: str) -> TaskState:
    """Return the state in the task's last checkpoint; empty if there is none."""
    kept = await store.checkpointer.aget_tuple(checkpoint_config(task_id))
    return cast("TaskState", kept.checkpoint["channel_values"] if kept else {})


def _find_chosen_workflow(state: TaskState) -> str | None:
    """Return the workflow named by the user, or else the Coordinator's first choice."""
    decided = (decision.next_action for decision in decisions(state))
    choices = (action for action in decided if action in WORKFLOWS)
    return state.get("workflow") or next(choices, None)


def _format_model_name(model: str | BaseChatModel | None) -> str | None:
    if isinstance(model, BaseChatModel):
        return type(model).__name__
    try:
        choice = choose_provider(get_settings(), model)
    except InvalidTask:
        return model
    return f"{choice.provider.name}/{choice.model or ''}".rstrip("/")


def _measure_memory() -> dict[str, float]:
    try:
        import resource
    except ImportError:  # on Windows
        return {}
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"memory": most / (2**20 if sys.platform == "darwin" else 2**10)}
