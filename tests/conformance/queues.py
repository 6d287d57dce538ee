"""The queues under test, each with workers that run its tasks."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from concertino.settings import Settings, get_settings
from concertino.store.open import open_store
from concertino.tasks.result import TaskResult
from concertino.work.broker import MessageBroker, create_redis_client
from concertino.work.following import wait_until_settled
from concertino.work.ledger import Job, Ledger, StoredEvent
from concertino.work.live_text import LiveText
from concertino.work.metrics import Metrics
from concertino.work.notifier import Notifier
from concertino.work.queues import LocalQueue, Queue
from concertino.work.remote import RemoteQueue
from concertino.work.runner import Runner
from concertino.work.wire import RedisRelay
from concertino.work.worker import Worker

from tests.model_server import PATIENCE, use
from tests.scale import REDIS, prefix, schema

CAPACITY = 2
SOON = 0.05
"""Seconds that running tasks get to reach a good place to stop."""


@dataclass
class Office:
    """A queue and workers that run its tasks one at a time."""

    queue: Queue
    ledger: Ledger
    notifier: Notifier

    async def accept(self, question: str, workflow: str) -> str:
        """Accept a task as an application does, and return its id."""
        task_id = uuid.uuid4().hex[:12]
        task: Any = {"question": question, "workflow": workflow, "inputs": {}}
        async with self.queue.reserve_place():
            await self.ledger.submit(Job(task_id, None), task_id, task, None)
            await self.queue.enqueue(task_id)
        return task_id

    async def result_of(self, task_id: str) -> TaskResult:
        """Wait until a task has settled, and return its result."""
        task = await self.ledger.tasks.get(task_id)
        assert await wait_until_settled(self.ledger, self.notifier, task, PATIENCE)
        result = await self.ledger.get_last_result(task_id)
        assert result
        return result

    async def events_of(self, task_id: str) -> list[StoredEvent]:
        return await self.ledger.list_events(task_id)


Opener = Callable[[], AbstractAsyncContextManager[Office]]
"""Opens the queue, the same one each time; it is drained and closed on exit."""


@asynccontextmanager
async def open_local() -> AsyncIterator[Office]:
    """Open a local queue with workers in this process."""
    settings, notifier, live_text = get_settings(), Notifier(), LiveText()
    async with open_store(settings.place) as store:
        ledger = Ledger(store)
        await ledger.setup()
        queue = LocalQueue(
            *(ledger, notifier, live_text),
            workers=1,
            capacity=settings.serve_queue,
            documents_of=settings.documents_of,
        )
        await queue.start()
        try:
            yield Office(queue, ledger, notifier)
        finally:
            await queue.stop(SOON)


@asynccontextmanager
async def open_remote() -> AsyncIterator[Office]:
    """Open an application and a worker that share only the database and Redis."""
    settings = get_settings()
    async with AsyncExitStack() as stack:
        ledger = Ledger(await stack.enter_async_context(open_store(settings.place)))
        await ledger.setup()
        wire = RedisRelay(create_redis_client(settings), settings)
        queue = RemoteQueue(ledger, wire, settings, settings.documents_of)
        await queue.start()
        stack.push_async_callback(queue.stop, SOON)
        await stack.enter_async_context(_worker(settings))
        yield Office(queue, ledger, wire.notifier)


@asynccontextmanager
async def _worker(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with open_store(settings.place) as store:
        wire, deliveries = (
            RedisRelay(create_redis_client(settings), settings),
            MessageBroker(settings),
        )
        metrics = Metrics(lambda: 0, lambda: runner.running)
        runner = Runner(
            *(Ledger(store), wire.notifier, wire.live_text, metrics),
            documents_of=settings.documents_of,
        )
        await wire.start()
        working = asyncio.create_task(Worker(runner, deliveries, 1).run(stop))
        try:
            yield
        finally:
            stop.set()
            await runner.drain(SOON)
            await working
            await deliveries.stop()
            await wire.stop()


def prepare_local(monkeypatch: pytest.MonkeyPatch, stack: ExitStack, folder: Path) -> Opener:
    use(monkeypatch, CONCERTINO_SERVE_QUEUE=str(CAPACITY))
    return open_local


def prepare_remote(monkeypatch: pytest.MonkeyPatch, stack: ExitStack, folder: Path) -> Opener:
    use(
        monkeypatch,
        CONCERTINO_SERVE_QUEUE=str(CAPACITY),
        CONCERTINO_DATABASE_URL=stack.enter_context(schema()),
        CONCERTINO_REDIS_URL=REDIS,
        CONCERTINO_REDIS_PREFIX=stack.enter_context(prefix()),
        CONCERTINO_LEASE_SECONDS="1",
    )
    return open_remote


QUEUES: dict[str, Callable[[pytest.MonkeyPatch, ExitStack, Path], Opener]] = {
    "local": prepare_local,
    "remote": prepare_remote,
}
"""Prepares an empty place for each queue, and returns its opener."""
