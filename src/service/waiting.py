"""Requests that change the same task at once: the later one waits until the earlier one is done."""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ..errors import TaskBusy, UnknownTask
from ..store.base import TaskSummary
from ..tasks.history import delete_task
from ..work.notifier import wait_at_most
from .dependencies import Service

PATIENCE = 5.0
"""Seconds after which a task is said to be busy: a deletion takes far less, a run on the command
line far more."""
LOOK_SECONDS = 0.1


async def delete_own_task(service: Service, task: TaskSummary) -> None:
    """Delete a caller's task, whether or not it is running; it may just be deleted already.

    Raises:
        TaskBusy: another process is working on it and does not stop.
    """

    async def stop_and_delete() -> None:
        try:
            await delete_task(service.ledger.tasks, task.task_id)
        except TaskBusy:
            await service.queue.cancel(task.task_id, task.owner)
            await delete_task(service.ledger.tasks, task.task_id)

    with suppress(UnknownTask):
        await _wait_for_turn(service, task.task_id, stop_and_delete)
    service.notifier.notify(task.task_id)


async def cancel_own_task(service: Service, task: TaskSummary) -> None:
    """Cancel a caller's task.

    Raises:
        TaskBusy: another process is working on it and does not stop.
        UnknownTask: it has just been deleted.
    """

    async def cancel() -> None:
        await service.queue.cancel(task.task_id, task.owner)

    await _wait_for_turn(service, task.task_id, cancel)


async def _wait_for_turn(
    service: Service, task_id: str, act: Callable[[], Awaitable[None]]
) -> None:
    """Act on a task once nobody else holds it.

    Raises:
        TaskBusy: it is held for too long.
    """
    give_up = time.monotonic() + PATIENCE
    with service.notifier.subscribe(task_id) as news:
        while True:
            news.clear()
            try:
                await act()
                return
            except TaskBusy:
                if time.monotonic() > give_up:
                    raise
            await wait_at_most(news, LOOK_SECONDS)
