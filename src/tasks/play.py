"""Playing a task: its start, its events, and its end."""

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
from ..graphs.coordinator import Graph, build_graph, check_input, check_text
from ..language.messages import say
from ..models.providers import choose_provider, strip_login
from ..settings import Settings, get_settings, mask_secrets
from ..state import TaskInput, TaskStatus
from ..store.base import TaskStore, checkpoint_config
from .ending import Meter, reward_task
from .events import STREAM_MODES, Event, EventTranslator
from .result import read_result

T = TypeVar("T")
Model = str | BaseChatModel | None
"""A model or provider by name, or a chat model to use as it is; None takes the settings'."""
Start = TaskInput | Command[Any] | None
"""What a run begins with, the person's answer, or None to go on from the last checkpoint."""

RECURSION_LIMIT = 440
"""Steps of the graph: 110 rounds of the Coordinator's step and the agent's, and room to spare."""

log = logging.getLogger(__name__)


def new_task(
    question: str,
    workflow: str | None,
    inputs: dict[str, Any] | None,
    max_iterations: int | None,
    model: Model,
) -> TaskInput:
    """What starts a task, checked; the arguments are those of `astream_task`.

    Raises:
        InvalidTask: it cannot be worked on as given.
    """
    task: TaskInput = {
        "question": question,
        "workflow": workflow,
        "inputs": inputs or {},
        "max_iterations": _check_rounds(max_iterations),
    }
    check_input(task)
    check_model(model)
    return {**task, "question": question.strip()}


def new_task_id() -> str:
    return uuid.uuid4().hex[:12]


def check_model(model: Model) -> None:
    """Refuse a provider without its key before anything is stored.

    Raises:
        InvalidTask: it cannot be used as it is set up.
    """
    if not isinstance(model, BaseChatModel):
        choose_provider(get_settings(), model)


def check_answer(answer: str) -> str:
    """What a person says to a task that asked, without white space around it.

    Raises:
        InvalidTask: it is empty, not text or too long.
    """
    if not answer.strip():
        raise InvalidTask(say("invalid.empty_answer"))
    check_text(answer)
    return answer.strip()


async def load_start_input(store: TaskStore, task_id: str) -> TaskInput | None:
    """What a stored task starts with where it was stopped before its first step; None where it
    has a checkpoint to go on from."""
    if await store.checkpointer.aget_tuple(checkpoint_config(task_id)) is None:
        return await store.task_input(task_id)
    return None


async def find_pending_interrupt(store: TaskStore, task_id: str) -> str | None:
    """The id of the interrupt that a task waits at, which its answer has to name."""
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
    """Run a stored task to its end and yield its events; its entry in the index stays as it is.
    A reader who leaves ends the run before the generator is closed.

    Args:
        start: what it begins with, the person's answer, or None to go on from its checkpoint.
        control: asks the run to stop at its next checkpoint.
        documents: folder of the knowledge base; None takes the user's own.
        watchers: LangChain's handlers, which see each node and each call of a model.

    Raises:
        GraphDrained: it was asked to, and has stopped there.
        TaskBusy: another process has the task now.
        StoreUnavailable: the database does not answer.
    """
    graph, settings, meter = build_graph(store.checkpointer), get_settings(), Meter()
    chat, name = (model, None) if isinstance(model, BaseChatModel) else (None, model)
    context = RunContext(name, chat, documents, store.checkpointer)
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
        error = say("task.timeout", task_id=task_id, seconds=settings.task_timeout)
    except (TaskBusy, StoreUnavailable, GraphDrained, sqlite3.Error, OSError):
        raise  # the task goes on elsewhere, or later; a full disk is told of by the store
    except Exception as failure:
        status, error = "failed", _describe_failure(failure, task_id)
    result = await read_result(store, task_id, status, error)
    # A run that was out of time is learned from as one that failed, until it is resumed.
    learned: TaskStatus = "failed" if error else result.status
    reward = await reward_task(store, task_id, learned, error=error, model=model, meter=meter)
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
    """The events of one run of the graph, which is over when this generator is closed."""
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
    """The items that come within the time.

    Raises:
        TimeoutError: there would have been more.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            # Not `wait_for`: it leaves the items running where it is cancelled twice.
            async with asyncio.timeout_at(deadline):
                item = await anext(items)
        except StopAsyncIteration:
            return
        yield item


def _describe_failure(failure: Exception, task_id: str) -> str:
    """Why a task failed, for its person; what was not foreseen is in the log too."""
    if isinstance(failure, ConcertinoError):
        return str(failure)
    log.error("task %s failed", task_id, exc_info=failure)
    text = strip_login(f"{type(failure).__name__}: {failure}")
    return say("task.unforeseen", error=mask_secrets(text, get_settings().secrets)[:300])


def _check_rounds(max_iterations: int | None) -> int:
    rounds = get_settings().max_iterations if max_iterations is None else max_iterations
    if not 1 <= rounds <= 100:
        raise InvalidTask(say("invalid.max_iterations", rounds=rounds))
    return rounds
