"""Running tasks: start, follow, resume, list. The Python API, under every other face."""

import asyncio
import logging
import sqlite3
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from langgraph.types import Command

from ..context import RunContext
from ..errors import ConcertinoError, InvalidTask, StoreUnavailable, TaskBusy
from ..graphs.coordinator import build_graph, check_input, check_text, check_workflow
from ..graphs.registry import catalogue
from ..graphs.rules import total_iterations
from ..language.messages import say
from ..learning.bandit import Bandit
from ..learning.overview import overview
from ..models.client import close_language_models
from ..models.providers import choose_provider, without_login
from ..settings import get_settings
from ..state import Reward, TaskInput, TaskState, TaskStatus, Usage
from ..store.base import Place, TaskStore, TaskSummary
from ..store.open import open_store
from .ending import Meter, learn_from, rate
from .events import STREAM_MODES, Event, Retelling

T = TypeVar("T")
Storage = Literal["sqlite", "memory"]
Model = str | BaseChatModel | None
Start = TaskInput | Command[Any] | None

log = logging.getLogger(__name__)

_STEPS_PER_ROUND = 4  # the Coordinator's and the agent's, and room to spare


async def astream_task(
    question: str,
    *,
    workflow: str | None = None,
    inputs: dict[str, Any] | None = None,
    thread_id: str | None = None,
    max_iterations: int | None = None,
    model: Model = None,
    storage: Storage = "sqlite",
) -> AsyncIterator[Event]:
    """Run a task and yield what happens, as plain dicts with a `type`:

    - `started`: `task_id`, `thread_id`
    - `routing`: what classifier and bandit advise, where a workflow is to be chosen: `task_type`,
      `candidates` (`workflow`, `p`), `values` (`workflow`, `value`, `count`), `suggestion`
    - `decision`: the Coordinator's, with `round`, `source`, `legal`, `usage`, `seconds`
    - `progress`: a piece of an agent's work that is done: `actor`, `summary`
    - `turn`: what an agent did: `actor`, `summary`, `failed`, `usage`, `seconds`
    - `node_start`, `node_end`: a node of the graph: `node`, `path` (the nodes around it, outermost
      first), `run` (the same at its start and its end); at the end `seconds`, `failed`
    - `token`: a piece of a text for the person while a model writes it: `node`, `message` (one for
      each text), `offset` (characters before it), `text`. A draft: it may be written again, and
      what has not passed its checks is not in the result
    - `done`: last; `result`, as `run_task` returns it

    Raises:
        InvalidTask: the task cannot be worked on as given.
        UnknownTask: the thread has no task with an answer.
        ConcertinoError: the task cannot be stored.
    """
    task = new_task(question, workflow, inputs, max_iterations, model)
    task_id = new_task_id()
    async with open_store(_place(storage)) as opened, opened.claim(task_id) as store:
        if thread_id is not None:
            task["earlier"] = await store.exchanges(thread_id)
        await store.add(task_id, thread_id or task_id, task)
        async with aclosing(_follow(store, task_id, task, model)) as events:
            async for event in events:
                yield event


async def aresume_stream(
    task_id: str, answer: str | None = None, *, model: Model = None
) -> AsyncIterator[Event]:
    """Go on with a stored task from its last checkpoint, yielding events as `astream_task` does.

    `answer` is the person's, where the task waits for one. A task that has ended is not run
    again: its result comes at once.

    Raises:
        UnknownTask: it is not stored here.
        TaskBusy: it is being worked on.
    """
    _check_model(model)
    async with open_store(_place("sqlite")) as opened:
        known = await opened.get(task_id)
        check_workflow(known.workflow)
        async with opened.claim(task_id) as store:
            start: Start = await stored_start(store, task_id)
            if start is None and known.status == "needs_input" and answer is not None:
                start = Command(resume=checked_answer(answer))
            async with aclosing(_follow(store, task_id, start, model)) as events:
                async for event in events:
                    yield event


async def arun_task(
    question: str,
    *,
    workflow: str | None = None,
    inputs: dict[str, Any] | None = None,
    thread_id: str | None = None,
    max_iterations: int | None = None,
    model: Model = None,
    storage: Storage = "sqlite",
    on_event: Callable[[Event], object] | None = None,
) -> dict[str, Any]:
    """Run a task to its end, or until it needs an answer from its person.

    Args:
        question: the task in plain language, Chinese or English.
        workflow: name of the workflow; None lets the Coordinator choose.
        inputs: what that workflow takes besides the question.
        thread_id: that of an earlier task's result, to follow it up: "shorter, please".
        max_iterations: rounds of agents before the best answer so far has to do.
        model: a model or provider by name, or a LangChain chat model; None takes the settings'.
        storage: `sqlite` keeps the task in the user's folder (or in the database that
            CONCERTINO_DATABASE_URL names), where it can be resumed; `memory` keeps nothing.
        on_event: called with each event of `astream_task`.

    Returns:
        A plain dict: `task_id`, `thread_id`, `status` (`verified`, `unverified`, `no_answer`,
        `needs_input`, `interrupted` or `failed`), `final_answer`, `answer` (of a calculation:
        exact, text, LaTeX, decimal), `report` (Markdown), `workflow` (the one played last),
        `outputs` (what each workflow made: text, checks, sources, data), the mathematical agents'
        outputs under `comprehension_output`, `planning_output`, `execution_output` and
        `verification_output`, `attempts`, `iteration_history`, `total_iterations`, `usage` (with
        `seconds` of the model), `routing` (what was advised, where a workflow was chosen),
        `reward` (`quality`, `cost` and `reward` with their terms, once it has ended),
        `input_request` (the question to the person, with `needs_input`) and `error` (with
        `failed` and `interrupted`).

    Raises:
        InvalidTask: the task cannot be worked on as given.
        ConcertinoError: the task cannot be stored.
    """
    events = astream_task(
        question,
        workflow=workflow,
        inputs=inputs,
        thread_id=thread_id,
        max_iterations=max_iterations,
        model=model,
        storage=storage,
    )
    return await _last(events, on_event)


async def asolve_math_problem(
    problem_text: str, max_iterations: int | None = None, **options: Any
) -> dict[str, Any]:
    """`arun_task` with the workflow `solve_math`; takes its `model`, `storage` and `on_event`."""
    return await arun_task(
        problem_text, workflow="solve_math", max_iterations=max_iterations, **options
    )


async def aresume_task(
    task_id: str,
    answer: str | None = None,
    *,
    model: Model = None,
    on_event: Callable[[Event], object] | None = None,
) -> dict[str, Any]:
    """Go on with a stored task from its last checkpoint; see `aresume_stream` and `arun_task`."""
    return await _last(aresume_stream(task_id, answer, model=model), on_event)


async def alist_tasks(limit: int = 20) -> list[TaskSummary]:
    """The latest stored tasks, newest first."""
    async with open_store(_place("sqlite")) as store:
        return await store.latest(limit)


def run_task(question: str, **options: Any) -> dict[str, Any]:
    """`arun_task`, for code without an event loop, and for notebooks, which have one."""
    return _blocking(arun_task(question, **options))


def solve_math_problem(
    problem_text: str, max_iterations: int = 10, **options: Any
) -> dict[str, Any]:
    """Solve a mathematical problem: `run_task` with the workflow `solve_math`."""
    return _blocking(asolve_math_problem(problem_text, max_iterations, **options))


def resume_task(task_id: str, answer: str | None = None, **options: Any) -> dict[str, Any]:
    """`aresume_task`, for code without an event loop."""
    return _blocking(aresume_task(task_id, answer, **options))


def list_tasks(limit: int = 20) -> list[TaskSummary]:
    """`alist_tasks`, for code without an event loop."""
    return _blocking(alist_tasks(limit))


async def arate_task(task_id: str, rating: int, comment: str | None = None) -> Reward | None:
    """Say how good a task's result is, 1 to 5. A later rating replaces an earlier one.

    Returns:
        Its reward now; None where it has not ended yet, or is not rewarded.

    Raises:
        UnknownTask: it is not stored here.
    """
    async with open_store(_place("sqlite")) as store:
        return await rate(store, task_id, rating, comment)


def rate_task(task_id: str, rating: int, comment: str | None = None) -> Reward | None:
    """`arate_task`, for code without an event loop."""
    return _blocking(arate_task(task_id, rating, comment))


async def abandit_table() -> dict[str, Any]:
    """What workflows have earned, as plain data; see `learning/overview.py`."""
    async with open_store(_place("sqlite")) as store:
        return overview(await Bandit.read(store.checkpointer), get_settings())


def bandit_table() -> dict[str, Any]:
    """`abandit_table`, for code without an event loop."""
    return _blocking(abandit_table())


def workflows() -> list[dict[str, Any]]:
    """Every workflow as plain data: `name`, `description` in both languages, `inputs` (a JSON
    schema of what it takes besides the question), `checks` and `actions`."""
    return catalogue()


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
        "max_iterations": _rounds(max_iterations),
    }
    check_input(task)
    _check_model(model)
    return {**task, "question": question.strip()}


def new_task_id() -> str:
    return uuid.uuid4().hex[:12]


def checked_answer(answer: str) -> str:
    """What a person says to a task that asked.

    Raises:
        InvalidTask: it is empty, not text or too long.
    """
    if not answer.strip():
        raise InvalidTask(say("invalid.empty_answer"))
    check_text(answer)
    return answer.strip()


async def stored_start(store: TaskStore, task_id: str) -> TaskInput | None:
    """What a stored task starts with where it was stopped before its first step; None where it
    has a checkpoint to go on from."""
    if await store.checkpointer.aget_tuple(_config(task_id)) is None:
        return await store.task_input(task_id)
    return None


async def pending_question(store: TaskStore, task_id: str) -> str | None:
    """The id of the interrupt that a task waits at, which its answer has to name."""
    snapshot = await build_graph(store.checkpointer).aget_state(_config(task_id))
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
    graph, settings = build_graph(store.checkpointer), get_settings()
    chat, name = (model, None) if isinstance(model, BaseChatModel) else (None, model)
    context = RunContext(name, chat, documents, store.checkpointer)
    thread_id = (await store.get(task_id)).thread_id
    status: Literal["interrupted", "failed"] = "interrupted"
    error: str | None = None
    retelling, meter = Retelling(), Meter()
    stream = cast(
        "AsyncIterator[tuple[tuple[str, ...], str, Any]]",
        graph.astream(
            start,
            {**_config(task_id), "callbacks": list(watchers)},
            context=context,
            stream_mode=STREAM_MODES,
            subgraphs=True,
            durability="sync",
            control=control,
        ),
    )
    yield {"type": "started", "task_id": task_id, "thread_id": thread_id}
    try:
        async for item in _until(stream, settings.task_timeout):
            for event in retelling.events(*item):
                yield event
    except TimeoutError:
        error = say("task.timeout", task_id=task_id, seconds=settings.task_timeout)
    except (TaskBusy, StoreUnavailable, GraphDrained, sqlite3.Error, OSError):
        raise  # the task goes on elsewhere, or later; a full disk is told of by the store
    except Exception as failure:
        status, error = "failed", _reason(failure, task_id)
    result = await result_of(store, task_id, status if error else None, error)
    # A run that was out of time is learned from as one that failed, until it is resumed.
    learned: TaskStatus = "failed" if error else result["status"]
    reward = await learn_from(store, task_id, learned, error=error, model=model, meter=meter)
    yield {"type": "done", "result": {**result, "reward": reward and reward.model_dump()}}


def _reason(failure: Exception, task_id: str) -> str:
    """Why a task failed, for its person; what was not foreseen is in the log too."""
    if isinstance(failure, ConcertinoError):
        return str(failure)
    log.error("task %s failed", task_id, exc_info=failure)
    text = without_login(f"{type(failure).__name__}: {failure}")
    for secret in get_settings().secrets:
        text = text.replace(secret, "***")
    return say("task.unforeseen", error=text[:300])


async def _follow(
    store: TaskStore, task_id: str, start: Start, model: Model
) -> AsyncGenerator[Event, None]:
    """Play a task and enter into the index how it ended, however it ended."""
    ended: dict[str, Any] = {}
    try:
        async with aclosing(play(store, task_id, start, model)) as events:
            async for event in events:
                ended = event.get("result", ended)
                yield event
    finally:
        await store.update(
            task_id,
            ended.get("status", "interrupted"),
            ended.get("workflow"),
            ended.get("final_answer"),
        )


def _config(task_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": task_id}, "recursion_limit": _STEPS_PER_ROUND * 110}


async def _until(updates: AsyncIterator[T], seconds: float) -> AsyncIterator[T]:
    """The updates that come within the time.

    Raises:
        TimeoutError: there would have been more.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            yield await asyncio.wait_for(anext(updates), deadline - time.monotonic())
        except StopAsyncIteration:
            return


async def result_of(
    store: TaskStore, task_id: str, status: TaskStatus | None = None, error: str | None = None
) -> dict[str, Any]:
    """A task as its last checkpoint has it, as `arun_task` returns it.

    Args:
        status: how it stands; None reads it from the checkpoint.
        error: why it did not come to its end.

    Raises:
        UnknownTask: it is not stored here.
    """
    known = await store.get(task_id)
    snapshot = await build_graph(store.checkpointer).aget_state(_config(task_id))
    state = cast("TaskState", snapshot.values)
    asked = [pause.value["question"] for pause in snapshot.interrupts]
    if status is None:
        status = "needs_input" if asked else state.get("status", "failed")
    agents = {
        name: output.model_dump(mode="json") if (output := snapshot.values.get(name)) else None
        for name in (
            "comprehension_output",
            "planning_output",
            "execution_output",
            "verification_output",
        )
    }
    history = [record.model_dump(mode="json") for record in state.get("history", [])]
    return {
        "task_id": task_id,
        "thread_id": known.thread_id,
        "status": status,
        "question": state.get("question", known.question),
        "language": state.get("language"),
        "workflow": state.get("active"),
        "final_answer": state.get("final_answer"),
        "answer": answer.model_dump() if (answer := state.get("answer")) else None,
        "report": state.get("report"),
        "outputs": {
            name: output.model_dump(mode="json")
            for name, output in state.get("outputs", {}).items()
        },
        **agents,
        "attempts": [attempt.model_dump(mode="json") for attempt in state.get("attempts", [])],
        "iteration_history": history,
        "total_iterations": total_iterations(state),
        "usage": state.get("usage", Usage()).model_dump(),
        "routing": routing.model_dump() if (routing := state.get("routing")) else None,
        "reward": reward.model_dump() if (reward := state.get("reward")) else None,
        "input_request": asked[0] if asked else None,
        "error": error,
    }


def _place(storage: Storage) -> Place:
    if storage not in ("sqlite", "memory"):
        raise InvalidTask(say("invalid.storage", storage=storage))
    return get_settings().place if storage == "sqlite" else None


def _check_model(model: Model) -> None:
    """Refuse a provider without its key before anything is stored."""
    if not isinstance(model, BaseChatModel):
        choose_provider(get_settings(), model)


def _rounds(max_iterations: int | None) -> int:
    rounds = get_settings().max_iterations if max_iterations is None else max_iterations
    if not 1 <= rounds <= 100:
        raise InvalidTask(say("invalid.max_iterations", rounds=rounds))
    return rounds


async def _last(
    events: AsyncIterator[Event], on_event: Callable[[Event], object] | None
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    async for event in events:
        if on_event:
            on_event(event)
        result = event.get("result", result)
    return result


def _blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a loop of its own: here, or in a thread where this one has a loop."""

    async def run() -> T:
        try:
            return await work
        finally:
            await close_language_models()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, run()).result()
