"""Finding tasks again whose message was lost on its way to a worker.

What is due is in the database. A message only says so, and it may be lost: with its request, with
Redis, or with a worker that could not store what became of the task.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


async def resend_lost_tasks(
    seconds: float,
    unheld: Callable[[], Awaitable[list[str]]],
    send: Callable[[str], Awaitable[None]],
) -> None:
    """Send again, for ever, what was lost.

    A task is lost when it is unheld twice in a row: a worker that has just got its message needs a
    moment to claim it.

    Args:
        seconds: how often it is looked.
        unheld: tasks that are due, in nobody's hands and without a message.
    """
    suspects: set[str] = set()
    while True:
        await asyncio.sleep(seconds)
        try:
            found = await unheld()
            for task_id in found:
                if task_id in suspects:
                    log.warning("task %s is sent again", task_id)
                    await send(task_id)
            suspects = set(found)
        except Exception as error:
            log.warning("lost tasks will be looked for later: %s", type(error).__name__)
