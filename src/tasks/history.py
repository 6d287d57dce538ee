"""The history of tasks and threads: rename and delete, for an owner."""

import asyncio
import shutil

from ..errors import InvalidTask, UnknownTask
from ..graphs.intake import clean_text
from ..language.messages import say
from ..learning.trace import Trace
from ..settings import get_settings
from ..store.base import TaskStore, TaskSummary, build_owner_condition

MAX_NAME_CHARS = 200


async def rename_task(store: TaskStore, task_id: str, name: str | None) -> None:
    """Name a task; an empty name or None takes its name away.

    Raises:
        UnknownTask: the task is not stored here.
        InvalidTask: the name is too long or no valid text.
    """
    await store.get(task_id)
    await store.name_task(task_id, _clean_name(name))


async def list_thread(
    store: TaskStore, thread_id: str, owner: str | None = None
) -> list[TaskSummary]:
    """Return the owner's tasks of a thread, oldest first.

    Raises:
        UnknownTask: there are none.
    """
    whose, values = build_owner_condition(owner)
    clause = f"where thread_id = ? and {whose} order by created, rowid"
    found = await store.select(clause, thread_id, *values)
    if not found:
        raise UnknownTask(say("task.unknown_thread_at_all", thread_id=thread_id))
    return found


async def rename_thread(
    store: TaskStore, thread_id: str, name: str | None, owner: str | None = None
) -> None:
    """Name a thread; an empty name or None takes its name away.

    Raises:
        UnknownTask: the owner has no task in it.
        InvalidTask: the name is too long or no valid text.
    """
    await list_thread(store, thread_id, owner)
    await store.name_thread(thread_id, _clean_name(name))


async def delete_task(store: TaskStore, task_id: str) -> None:
    """Delete a task with its result, checkpoints, events, rating, line of the trace, and what is
    kept to undo its effects.

    What the router has learned from it stays: numbers only. Later tasks of its thread keep what
    they were told of it.

    Raises:
        UnknownTask: the task is not stored here.
        TaskBusy: a process is working on it; cancel it first.
    """
    await store.get(task_id)
    async with store.claim(task_id) as own:
        await own.delete(task_id)
    if store.lasting:
        kept = get_settings().effects_of(task_id)
        await asyncio.to_thread(shutil.rmtree, kept, ignore_errors=True)
        await asyncio.to_thread(Trace.of(get_settings()).forget, task_id)


async def delete_thread(store: TaskStore, thread_id: str, owner: str | None = None) -> None:
    """Delete all of the owner's tasks of a thread, the latest first.

    Raises:
        UnknownTask: there are none.
        TaskBusy: a process is working on one of them; cancel it first.
    """
    for task in reversed(await list_thread(store, thread_id, owner)):
        await delete_task(store, task.task_id)


def _clean_name(name: str | None) -> str | None:
    cleaned = " ".join(clean_text(name or "").split())
    if len(cleaned) > MAX_NAME_CHARS:
        raise InvalidTask(say("invalid.name", length=len(cleaned), limit=MAX_NAME_CHARS))
    return cleaned or None
