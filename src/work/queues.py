"""Queues of accepted tasks; `LocalQueue` has workers in this process (see also `remote.py`)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from langchain_core.language_models import BaseChatModel

from ..models.client import close_language_models
from .ledger import Ledger
from .live_text import LiveText
from .metrics import Metrics
from .notifier import Notifier
from .runner import Runner
from .sweeping import resend_lost_tasks

BUSY_SECONDS = 5.0
"""Delay before retrying a task held by another process, such as the command line."""
LONGEST_WAIT = 60.0
LOST_SECONDS = 30.0
"""Interval of checks for due tasks missing from this process's queue."""

log = logging.getLogger(__name__)


class QueueFull(Exception):
    """The queue is full.

    `wait` is the number of seconds after which there may be room.
    """

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


class QueueStopping(Exception):
    """No tasks are accepted because the service is shutting down."""


class Queue(Protocol):
    """A queue of accepted tasks."""

    capacity: int
    stopping: bool
    metrics: Metrics

    async def count_waiting(self) -> int:
        """Count the tasks that are accepted but not started."""

    def reserve_place(self) -> AbstractAsyncContextManager[None]:
        """Reserve a place for a task while it is written to the database's queue.

        Raises:
            QueueFull: no place is free.
            QueueStopping: the service is shutting down.
        """

    async def enqueue(self, task_id: str) -> None:
        """Pass a task, already in the database's queue, to a worker."""

    async def cancel(self, task_id: str, owner: str | None) -> None:
        """Cancel a task; a model call in progress is aborted.

        Raises:
            TaskBusy: another process is running it and does not stop.
        """

    async def start(self) -> None:
        """Start processing tasks."""

    async def drain(self, seconds: float) -> None:
        """Accept no more tasks; give running ones this time to reach a checkpoint."""

    async def stop(self, seconds: float) -> None:
        """Drain the queue and close all connections."""


class LocalQueue:
    """A queue with workers in this process, running up to `workers` tasks at a time.

    Args:
        documents_of: returns the folder of an owner's knowledge base; None is the machine's own.
        model: a chat model for all tasks; None uses the model each task requested.
    """

    def __init__(
        self,
        ledger: Ledger,
        notifier: Notifier,
        live_text: LiveText,
        *,
        workers: int,
        capacity: int,
        documents_of: Callable[[str | None], Path | None],
        model: BaseChatModel | None = None,
    ) -> None:
        self.capacity = capacity
        self.stopping = False
        self.metrics = Metrics(lambda: self._waiting, lambda: self._runner.running)
        self._ledger = ledger
        self._notifier = notifier
        self._workers = workers
        self._runner = Runner(
            ledger, notifier, live_text, self.metrics, documents_of=documents_of, model=model
        )
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._reserved = 0
        self._working: list[asyncio.Task[None]] = []

    async def count_waiting(self) -> int:
        return self._waiting

    @property
    def _waiting(self) -> int:
        return len(self._queued) + self._reserved

    async def start(self) -> None:
        """Requeue tasks left by an earlier process and start the workers."""
        for task_id in await self._ledger.recover_tasks():
            await self.enqueue(task_id)
        lost = resend_lost_tasks(LOST_SECONDS, self._list_lost, self.enqueue)
        self._working = [
            asyncio.create_task(work)
            for work in (*(self._work() for _ in range(self._workers)), lost)
        ]

    @asynccontextmanager
    async def reserve_place(self) -> AsyncIterator[None]:
        if self.stopping:
            raise QueueStopping
        if self._waiting >= self.capacity:
            raise QueueFull(min(LONGEST_WAIT, self._runner.typical_seconds / self._workers))
        self._reserved += 1
        try:
            yield
        finally:
            self._reserved -= 1

    async def enqueue(self, task_id: str) -> None:
        self._enqueue(task_id)

    def _enqueue(self, task_id: str) -> None:
        self._queued.add(task_id)
        self._queue.put_nowait(task_id)

    async def _list_lost(self) -> list[str]:
        return await self._ledger.list_unheld(self._queued | self._runner.held)

    async def cancel(self, task_id: str, owner: str | None) -> None:
        self._queued.discard(task_id)
        await self._runner.cancel(task_id, owner)

    async def drain(self, seconds: float) -> None:
        self.stopping = True
        await self._runner.drain(seconds)
        for worker in self._working:
            worker.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        self._notifier.close()

    async def stop(self, seconds: float) -> None:
        await self.drain(seconds)
        await close_language_models()

    async def _work(self) -> None:
        while not self.stopping:
            task_id = await self._queue.get()
            if task_id not in self._queued or self.stopping:
                continue  # cancelled in the meantime, or stopping
            self._queued.discard(task_id)
            try:
                if await self._runner.carry_out(task_id) == "busy":
                    asyncio.get_running_loop().call_later(BUSY_SECONDS, self._enqueue, task_id)
            except Exception:
                # It keeps its place in the database's queue and is found there again.
                log.exception("task %s could not be stored", task_id)
