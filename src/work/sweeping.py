"""Recovery of tasks whose message to a worker was lost.

Due tasks are in the database. A message only announces one and may be lost: with its request, with
Redis, or with a worker that could not store the task's outcome.
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
    """Resend lost tasks, forever.

    A task counts as lost when it is unheld in two consecutive checks: a worker that has just
    received its message needs a moment to claim it.

    Args:
        seconds: interval between checks.
        unheld: returns the ids of tasks that are due, unclaimed and without a message.
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
