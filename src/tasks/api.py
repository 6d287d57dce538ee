"""The Python API for tasks: start, follow, resume, list, rate. All other interfaces use it."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal, TypeVar

from langgraph.types import Command

from ..actions.policy import Mode
from ..agents.team.roles import describe_roles
from ..errors import InvalidTask
from ..graphs.coordinator import check_workflow
from ..graphs.intake import check_answer, clean_text
from ..graphs.registry import describe_workflows
from ..language.messages import say
from ..learning.bandit import Bandit
from ..learning.overview import build_overview
from ..models.client import close_language_models
from ..settings import get_settings
from ..state import Reward
from ..store.base import Place, TaskStore, TaskSummary
from ..store.open import open_store
from . import history
from .ending import rate
from .events import Event
from .play import (
    Model,
    Start,
    check_model,
    find_pending_interrupt,
    load_start_input,
    new_task,
    new_task_id,
    play,
)
from .undoing import undo_effects

T = TypeVar("T")
Storage = Literal["sqlite", "memory"]
Approve = Callable[[list[dict[str, Any]]], str]
"""Answers the approvals that a task waits for; each is the dump of an `Approval`."""


async def astream_task(
    question: str,
    *,
    workflow: str | None = None,
    inputs: dict[str, Any] | None = None,
    thread_id: str | None = None,
    max_iterations: int | None = None,
    model: Model = None,
    storage: Storage = "sqlite",
    workspace: str | os.PathLike[str] | None = None,
    mode: Mode | None = None,
    approve: Approve | None = None,
) -> AsyncIterator[Event]:
    """Run a task and yield its events, plain dicts with a `type`; see `tasks/events.py`.

    The first is `started`, the last `done` with the `result` that `run_task` returns. Closing the
    iterator early ends the run; `resume_task` continues it.

    Raises:
        InvalidTask: the question or its options are invalid.
        UnknownTask: the thread has no task with an answer.
        ConcertinoError: the task cannot be stored.
    """
    given = {**(inputs or {}), **({"mode": mode} if mode else {})}
    folder = Path(workspace) if workspace is not None else None
    task = new_task(question, workflow, given, max_iterations, model, folder)
    task_id = new_task_id()
    async with open_store(_resolve_place(storage)) as opened, opened.claim(task_id) as store:
        if thread_id is not None:
            task["earlier"] = await store.list_exchanges(thread_id)
        await store.add(task_id, thread_id or task_id, task)
        async with aclosing(_play_and_record(store, task_id, task, model, approve)) as events:
            async for event in events:
                yield event


async def aresume_stream(
    task_id: str,
    answer: str | None = None,
    *,
    model: Model = None,
    approve: Approve | None = None,
) -> AsyncIterator[Event]:
    """Continue a stored task from its last checkpoint, yielding events like `astream_task`.

    `answer` is the user's, if the task waits for one. A task that has ended is not run again: its
    result is yielded immediately.

    Raises:
        UnknownTask: the task is not stored here.
        InvalidTask: the answer is not usable, or the task does not ask for one.
        TaskBusy: another process is working on it.
    """
    check_model(model)
    async with open_store(_resolve_place("sqlite")) as opened:
        known = await opened.get(task_id)
        check_workflow(known.workflow)
        async with opened.claim(task_id) as store:
            start: Start = await load_start_input(store, task_id)
            if answer is not None:
                if start or await find_pending_interrupt(store, task_id) is None:
                    raise InvalidTask(say("invalid.nothing_asked"))
                start = Command(resume=check_answer(answer))
            async with aclosing(_play_and_record(store, task_id, start, model, approve)) as events:
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
    workspace: str | os.PathLike[str] | None = None,
    mode: Mode | None = None,
    approve: Approve | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> dict[str, Any]:
    """Run a task to its end, or until it needs an answer from the user.

    Args:
        question: the task in plain language, Chinese or English.
        workflow: name of the workflow; None lets the Coordinator choose.
        inputs: the workflow's inputs besides the question.
        thread_id: `thread_id` of an earlier result, for a follow-up such as "shorter, please".
        max_iterations: rounds of agents after which the best answer so far is returned.
        model: a model or provider by name, or a LangChain chat model; None uses the settings.
        storage: `sqlite` stores the task in the user's folder (or in the database at
            CONCERTINO_DATABASE_URL), where it can be resumed; `memory` stores nothing.
        workspace: folder in which the task may work on files; None: on none.
        mode: what it may do there without asking; see `actions/policy.py`.
        approve: called with the approvals that the task waits for; returns the answer: `approve`,
            `approve all`, or `deny: …`. None leaves the task at `needs_approval`.
        on_event: called with each event of `astream_task`.

    Returns:
        A `TaskResult` (see `tasks/result.py`) as a plain dict. `status` is `verified`,
        `unverified`, `no_answer`, `needs_input`, `needs_approval`, `interrupted` or `failed`.

    Raises:
        InvalidTask: the question or its options are invalid.
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
        workspace=workspace,
        mode=mode,
        approve=approve,
    )
    return await _collect_result(events, on_event)


async def asolve_math_problem(
    problem_text: str, max_iterations: int | None = None, **options: Any
) -> dict[str, Any]:
    """Call `arun_task` with workflow `solve_math`; accepts `model`, `storage` and `on_event`."""
    return await arun_task(
        problem_text, workflow="solve_math", max_iterations=max_iterations, **options
    )


async def aresume_task(
    task_id: str,
    answer: str | None = None,
    *,
    model: Model = None,
    approve: Approve | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> dict[str, Any]:
    """Continue a stored task from its last checkpoint; see `aresume_stream` and `arun_task`."""
    events = aresume_stream(task_id, answer, model=model, approve=approve)
    return await _collect_result(events, on_event)


async def alist_tasks(limit: int = 20, query: str = "") -> list[TaskSummary]:
    """Return the latest stored tasks, newest first; with a query those that have all its words in
    their question, answer or names."""
    async with open_store(_resolve_place("sqlite")) as store:
        return await store.list_latest(limit, clean_text(query))


async def arename_task(task_id: str, name: str | None) -> None:
    """Name a task; see `history.rename_task`."""
    async with open_store(_resolve_place("sqlite")) as store:
        await history.rename_task(store, task_id, name)


async def arename_thread(thread_id: str, name: str | None) -> None:
    """Name a thread; see `history.rename_thread`."""
    async with open_store(_resolve_place("sqlite")) as store:
        await history.rename_thread(store, thread_id, name)


async def adelete_task(task_id: str) -> None:
    """Delete a task for good; see `history.delete_task`."""
    async with open_store(_resolve_place("sqlite")) as store:
        await history.delete_task(store, task_id)


async def adelete_thread(thread_id: str) -> None:
    """Delete all tasks of a thread for good; see `history.delete_thread`."""
    async with open_store(_resolve_place("sqlite")) as store:
        await history.delete_thread(store, thread_id)


def run_task(question: str, **options: Any) -> dict[str, Any]:
    """Call `arun_task` from synchronous code, including notebooks with a running event loop."""
    return _run_blocking(arun_task(question, **options))


def solve_math_problem(
    problem_text: str, max_iterations: int | None = None, **options: Any
) -> dict[str, Any]:
    """Solve a mathematical problem: `run_task` with workflow `solve_math`."""
    return _run_blocking(asolve_math_problem(problem_text, max_iterations, **options))


def resume_task(task_id: str, answer: str | None = None, **options: Any) -> dict[str, Any]:
    """Call `aresume_task` from synchronous code."""
    return _run_blocking(aresume_task(task_id, answer, **options))


def list_tasks(limit: int = 20, query: str = "") -> list[TaskSummary]:
    """Call `alist_tasks` from synchronous code."""
    return _run_blocking(alist_tasks(limit, query))


def rename_task(task_id: str, name: str | None) -> None:
    """Call `arename_task` from synchronous code."""
    _run_blocking(arename_task(task_id, name))


def rename_thread(thread_id: str, name: str | None) -> None:
    """Call `arename_thread` from synchronous code."""
    _run_blocking(arename_thread(thread_id, name))


def delete_task(task_id: str) -> None:
    """Call `adelete_task` from synchronous code."""
    _run_blocking(adelete_task(task_id))


def delete_thread(thread_id: str) -> None:
    """Call `adelete_thread` from synchronous code."""
    _run_blocking(adelete_thread(thread_id))


async def arate_task(task_id: str, rating: int, comment: str | None = None) -> Reward | None:
    """Rate a task's result from 1 to 5. A later rating replaces an earlier one.

    Returns:
        The updated reward; None if the task has not ended yet or is not rewarded.

    Raises:
        UnknownTask: the task is not stored here.
    """
    async with open_store(_resolve_place("sqlite")) as store:
        return await rate(store, task_id, rating, comment)


def rate_task(task_id: str, rating: int, comment: str | None = None) -> Reward | None:
    """Call `arate_task` from synchronous code."""
    return _run_blocking(arate_task(task_id, rating, comment))


async def aundo_task(task_id: str) -> dict[str, list[str]]:
    """Restore the files that a task has changed; see `undoing.undo_effects`."""
    async with open_store(_resolve_place("sqlite")) as store:
        return await undo_effects(store, task_id)


def undo_task(task_id: str) -> dict[str, list[str]]:
    """Call `aundo_task` from synchronous code."""
    return _run_blocking(aundo_task(task_id))


async def abandit_table() -> dict[str, Any]:
    """Return the bandit's table of rewards as plain data; see `learning/overview.py`."""
    async with open_store(_resolve_place("sqlite")) as store:
        return build_overview(await Bandit.read(store.checkpointer), get_settings())


def bandit_table() -> dict[str, Any]:
    """Call `abandit_table` from synchronous code."""
    return _run_blocking(abandit_table())


def workflows() -> list[dict[str, Any]]:
    """Return all workflows as plain data: `name`, `description` in both languages, `inputs` (JSON
    schema of the inputs besides the question), `checks` and `actions`."""
    return describe_workflows()


def roles() -> list[dict[str, Any]]:
    """Return all roles of the workflow `team` as plain data: `name`, `title` and `description` in
    both languages, `method`, `tools` and `checks`."""
    return describe_roles()


async def _play_and_record(
    store: TaskStore, task_id: str, start: Start, model: Model, approve: Approve | None = None
) -> AsyncGenerator[Event, None]:
    """Play a task and record its final status in the index, even if it fails or is closed. What
    waits for approval goes on with the answer of `approve`."""
    ended: dict[str, Any] = {}
    try:
        while True:
            async with aclosing(play(store, task_id, start, model)) as events:
                async for event in events:
                    if event["type"] == "done":
                        ended = event["result"]
                    yield event
            if approve is None or ended.get("status") != "needs_approval":
                break
            answer = await asyncio.to_thread(approve, ended["approvals"])
            start = Command(resume=check_answer(answer))
    finally:
        await store.update(
            task_id,
            ended.get("status", "interrupted"),
            ended.get("workflow"),
            ended.get("final_answer"),
        )


def _resolve_place(storage: Storage) -> Place:
    if storage not in ("sqlite", "memory"):
        raise InvalidTask(say("invalid.storage", storage=storage))
    return get_settings().place if storage == "sqlite" else None


async def _collect_result(
    events: AsyncIterator[Event], on_event: Callable[[Event], object] | None
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    async for event in events:
        if on_event:
            on_event(event)
        if event["type"] == "done":
            result = event["result"]
    return result


def _run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a new event loop: here, or in a new thread if this one has a loop."""

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
