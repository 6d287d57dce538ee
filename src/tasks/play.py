"""Playing a task: input checks, events, and the final result."""

import asyncio
import logging
import sqlite3
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar, cast

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from langgraph.types import Command

from ..context import RunContext
from ..errors import ConcertinoError, InvalidTask, StoreUnavailable, TaskBusy
from ..graphs.coordinator import Graph, build_graph, check_input
from ..graphs.intake import clean_values
from ..language.messages import say
from ..models.providers import choose_provider, strip_login
from ..settings import Settings, get_settings, mask_secrets
from ..state import FINAL, RESUMABLE, TaskInput, TaskStatus
from ..store.base import TaskStore, checkpoint_config
from ..store.effects import EffectLog
from .ending import Meter, reward_task
from .events import STREAM_MODES, Event, EventTranslator
from .result import read_result

T = TypeVar("T")
Model = str | BaseChatModel | None
"""A model or provider by name, or a chat model used as is; None uses the settings."""
Start = TaskInput | Command[Any] | None
"""Initial input, the user's answer, or None to continue from the last checkpoint."""

ROUNDS_OF_A_PLAN = 3
"""Rounds that a plan of the workflow `act` takes at most: planning, approving, performing."""
RECURSION_LIMIT = 440
"""Maximum graph steps: 110 rounds of a Coordinator step and an agent step, with a margin."""

log = logging.getLogger(__name__)


def new_task(
    question: str,
    workflow: str | None,
    inputs: dict[str, Any] | None,
    max_iterations: int | None,
    model: Model,
    workspace: Path | None = None,
) -> TaskInput:
    """Build and validate a task's input; the arguments are the same as for `astream_task`.

    Raises:
        InvalidTask: the question or its options are invalid.
    """
    task: TaskInput = clean_values(
        {
            "question": question,
            "workflow": workflow,
            "inputs": inputs or {},
            "max_iterations": _check_rounds(max_iterations, workspace),
            "workspace": str(check_workspace(workspace)) if workspace else None,
        }
    )
    check_input(task)
    check_model(model)
    return {**task, "question": task["question"].strip()}


def check_workspace(folder: Path) -> Path:
    """Return the absolute path of a folder that a task may work in.

    Raises:
        InvalidTask: it is not a folder.
    """
    if not folder.is_dir():
        raise InvalidTask(say("act.workspace.missing", path=folder))
    return folder.resolve()


def new_task_id() -> str:
    return uuid.uuid4().hex[:12]


def check_model(model: Model) -> None:
    """Check that the model's provider is configured, before anything is stored.

    Raises:
        InvalidTask: it cannot be used, for example because its key is missing.
    """
    if not isinstance(model, BaseChatModel):
        choose_provider(get_settings(), model)


async def load_start_input(store: TaskStore, task_id: str) -> TaskInput | None:
    """Return the input of a stored task that stopped before its first step; None if it has a
    checkpoint to continue from."""
    if await store.checkpointer.aget_tuple(checkpoint_config(task_id)) is None:
        return await store.task_input(task_id)
    return None


async def find_pending_interrupt(store: TaskStore, task_id: str) -> str | None:
    """Return the id of the interrupt a task waits at, which the answer must name; else None."""
    snapshot = await build_graph(store.checkpointer).aget_state(checkpoint_config(task_id))
    return snapshot.interrupts[0].id if snapshot.interrupts else None


async def play(
    store: TaskStore,
    task_id: str,
    start: Start,
    model: Model = None,
    control: RunControl | None = None,
    documents: Path | None = None,
    watchers: Sequence[BaseCallbackHandler] = (),
) -> AsyncGenerator[Event, None]:
    """Run a stored task to its end and yield its events; its index entry is not updated.
    If the reader stops early, the run ends before the generator is closed.

    Args:
        start: initial input, the user's answer, or None to continue from the last checkpoint.
        control: requests a stop at the next checkpoint.
        documents: folder of the knowledge base; None uses the user's own.
        watchers: LangChain callback handlers, called for each node and each model call.

    Raises:
        GraphDrained: the run stopped at a checkpoint as requested by `control`.
        TaskBusy: another process has taken over the task.
        StoreUnavailable: the database does not respond.
    """
    graph = build_graph(store.checkpointer)
    settings = get_settings()
    meter = Meter()
    chat, name = (model, None) if isinstance(model, BaseChatModel) else (None, model)
    effects = EffectLog(store, task_id)
    sampling = (await store.task_input(task_id)).get("sampling")
    context = RunContext(name, chat, documents, store.checkpointer, effects, sampling)
    yield {"type": "started", "task_id": task_id, "thread_id": (await store.get(task_id)).thread_id}
    status: TaskStatus | None = None
    error: str | None = None
    run = _run_graph(graph, task_id, start, context, control, watchers, settings)
    try:
        async with aclosing(run) as events:
            async for event in events:
                yield event
    except TimeoutError:
        status = "interrupted"
        error = say("task.timeout", seconds=settings.task_timeout)
    except (TaskBusy, StoreUnavailable, GraphDrained, sqlite3.Error, OSError):
        raise  # the task continues elsewhere or later; the store reports a full disk
    except Exception as failure:
        status = "failed"
        error = _describe_failure(failure, task_id)
    result = await read_result(store, task_id, status, error)
    # A run that timed out counts as failed for learning, until it is resumed.
    learned: TaskStatus = "failed" if error else result.status
    reward = await reward_task(store, task_id, learned, error=error, model=model, meter=meter)
    if result.status in FINAL and result.status not in RESUMABLE:
        await store.prune_checkpoints(task_id)  # nothing goes on from the earlier ones
    ended = result.model_copy(update={"reward": reward})
    yield {"type": "done", "result": ended.model_dump(mode="json")}


async def _run_graph(
    graph: Graph,
    task_id: str,
    start: Start,
    context: RunContext,
    control: RunControl | None,
    watchers: Sequence[BaseCallbackHandler],
    settings: Settings,
) -> AsyncGenerator[Event, None]:
    """Yield the events of one run of the graph; closing the generator ends the run."""
    config = checkpoint_config(task_id)
    stream = cast(
        "AsyncGenerator[tuple[tuple[str, ...], str, Any], None]",
        graph.astream(
            start,
            {**config, "callbacks": list(watchers), "recursion_limit": RECURSION_LIMIT},
            context=context,
            stream_mode=STREAM_MODES,
            subgraphs=True,
            durability="sync",
            control=control,
        ),
    )
    retelling = EventTranslator()
    async with (
        aclosing(stream),
        aclosing(_limit_time(stream, settings.task_timeout)) as items,
    ):
        async for item in items:
            for event in retelling.translate(*item):
                yield event


async def _limit_time(items: AsyncIterator[T], seconds: float) -> AsyncGenerator[T, None]:
    """Yield items until the time limit.

    Raises:
        TimeoutError: the limit was reached before the last item.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            # Not `wait_for`: if cancelled twice, it leaves the iterator running.
            async with asyncio.timeout_at(deadline):
                item = await anext(items)
        except StopAsyncIteration:
            return
        yield item


def _describe_failure(failure: Exception, task_id: str) -> str:
    """Describe why a task failed, for the user; log unexpected errors."""
    if isinstance(failure, ConcertinoError):
        return str(failure)
    log.error("task %s failed", task_id, exc_info=failure)
    return say("task.unforeseen", error=describe_error(failure))


def describe_error(error: Exception) -> str:
    """Describe an unexpected error in one line, without secrets and passwords of addresses."""
    text = strip_login(f"{type(error).__name__}: {error}")
    return mask_secrets(text, get_settings().secrets)[:300]


def _check_rounds(max_iterations: int | None, workspace: Path | None = None) -> int:
    """Return the limit of rounds. A plan and carrying it out are two rounds, an approval a third,
    so a task of actions, which has a limit of plans of its own, may have more."""
    usual = get_settings().max_iterations
    rounds = (
        (usual * ROUNDS_OF_A_PLAN if workspace else usual)
        if max_iterations is None
        else max_iterations
    )
    if not (isinstance(rounds, int) and 1 <= rounds <= 100):
        raise InvalidTask(say("invalid.max_iterations", rounds=rounds))
    return rounds
