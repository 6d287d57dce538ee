"""Following a task from its stored events, whoever runs it and however often it was begun."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from ..store import TaskSummary
from ..tasks import result_of
from .bells import Bells
from .contracts import ENDED
from .ledger import Ledger, StoredEvent

LOOK_SECONDS = 5.0
"""How often a task is looked at that another process, such as the command line, may work on."""


async def follow(
    ledger: Ledger, bells: Bells, task: TaskSummary, after: int = 0
) -> AsyncIterator[StoredEvent]:
    """A task's events after that number, as they come, until it has ended."""
    stopped = task.status in ENDED
    with bells.listen(task.task_id) as bell:
        while not bells.closed:
            bell.clear()
            ended = stopped or (await ledger.tasks.get(task.task_id)).status in ENDED
            for event in await ledger.events(task.task_id, after):
                after = event.id
                yield event
            if ended:
                if not after:  # the service did not run it
                    result = await result_of(ledger.tasks, task.task_id, task.status)
                    yield StoredEvent(1, {"type": "done", "result": result})
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await bell.wait()


async def settled(ledger: Ledger, bells: Bells, task: TaskSummary, seconds: float) -> bool:
    """Whether a task ends or asks its person within this time."""
    with bells.listen(task.task_id) as bell, suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not bells.closed:
                bell.clear()
                now = await ledger.tasks.get(task.task_id)
                if now.status in ENDED or now.status == "needs_input":
                    return True
                await bell.wait()
    return False
