"""The queue of an application whose workers are separate processes, on any machine."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from ..errors import TaskBusy
from ..language.messages import say
from ..settings import Settings
from ..state import FINAL
from .broker import MessageBroker, resend_lost
from .ledger import Ledger
from .metrics import Metrics
from .notifier import wait_at_most
from .queues import QueueFull, QueueStopping
from .runner import Runner, build_nudge_name
from .wire import RedisRelay

FULL_SECONDS = 10.0
"""Time after which a client may retry when the queue is full."""
LOOK_SECONDS = 1.0
"""Poll interval while waiting for a task to stop."""


class RemoteQueue:
    """Sends tasks to the workers; the queue itself is in the database."""

    def __init__(
        self,
        ledger: Ledger,
        wire: RedisRelay,
        settings: Settings,
        documents_of: Callable[[str | None], Path | None],
    ) -> None:
        self.capacity = settings.serve_queue
        self.stopping = False
        self.metrics = Metrics(lambda: self._waiting, lambda: self._running)
        self._ledger = ledger
        self._wire = wire
        self._patience = settings.lease_seconds
        self._deliveries = MessageBroker(settings)
        self._canceller = Runner(
            ledger, wire.notifier, wire.live_text, self.metrics, documents_of=documents_of
        )
        self._waiting = 0
        self._running = 0
        self._sweeping: asyncio.Task[None] | None = None

    async def count_waiting(self) -> int:
        self._waiting = await self._ledger.count_in_queue("queued")
        self._running = await self._ledger.count_in_queue("running")
        return self._waiting

    @asynccontextmanager
    async def reserve_place(self) -> AsyncIterator[None]:
        """Check for a free place.

        Nothing is held: with several applications the queue may slightly exceed its capacity.
        """
        if self.stopping:
            raise QueueStopping
        if await self.count_waiting() >= self.capacity:
            raise QueueFull(FULL_SECONDS)
        yield

    async def enqueue(self, task_id: str) -> None:
        await self._deliveries.send(task_id)

    async def cancel(self, task_id: str, owner: str | None) -> None:
        """Ask the worker running the task to stop, and wait until it has.

        An unclaimed task, or one of a dead worker, is cancelled here.
        """
        tasks = self._ledger.tasks
        notifier = self._wire.notifier
        give_up = time.monotonic() + 2 * self._patience
        with notifier.subscribe(task_id) as subscription:
            while time.monotonic() < give_up:
                subscription.clear()
                if (await tasks.get(task_id)).status in FINAL:
                    return
                with suppress(TaskBusy):
                    await self._canceller.cancel(task_id, owner)
                    return
                await tasks.ask_to_stop(task_id)
                notifier.notify(build_nudge_name(task_id))
                await wait_at_most(subscription, min(LOOK_SECONDS, self._patience))
        raise TaskBusy(say("task.busy", task_id=task_id))

    async def start(self) -> None:
        await self._wire.start()
        await self._deliveries.start()
        lost = resend_lost(self._ledger, self._deliveries, self._patience)
        self._sweeping = asyncio.create_task(lost)

    async def drain(self, seconds: float) -> None:
        self.stopping = True
        self._wire.notifier.close()

    async def stop(self, seconds: float) -> None:
        if self._sweeping:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        await self.drain(seconds)
        await self._deliveries.stop()
        await self._wire.stop()
