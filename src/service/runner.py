"""The workers of one process: they take tasks from the queue and carry them to their end.

The queue is in the database; what is here only says which of its tasks are in whose hands. So a
process that is killed loses nothing: the next one finds the same queue, and each task goes on
from its last checkpoint.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from langgraph.types import Command

from ..errors import ConcertinoError, TaskBusy
from ..messages import say
from ..models.client import close_language_models
from ..store import TaskStatus
from ..tasks import Event, Start, pending_question, play, result_of, stored_start
from .bells import Bells
from .ledger import Job, Ledger
from .metrics import Metrics

BUSY_SECONDS = 5.0
"""How long a task is left alone that another process, such as the command line, works on."""

log = logging.getLogger(__name__)


class QueueFull(Exception):
    """No more tasks are taken for now.

    `wait` is the number of seconds after which there may be room.
    """

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


class Stopping(Exception):
    """No more tasks are taken: the service is shutting down."""


@dataclass
class Run:
    """A task in the hands of a worker."""

    job: Job
    control: RunControl = field(default_factory=RunControl)
    work: "asyncio.Task[dict[str, Any]] | None" = None
    cancelled: bool = False
    """Whether a person has asked to stop it."""
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Runner:
    """Carries out jobs, `workers` at a time.

    Args:
        documents_of: folder of an owner's knowledge base; None is the machine's own.
        model: a chat model for all tasks; None takes what each asked for.
    """

    def __init__(
        self,
        ledger: Ledger,
        bells: Bells,
        *,
        workers: int,
        capacity: int,
        documents_of: Callable[[str | None], Path | None],
        model: BaseChatModel | None = None,
    ) -> None:
        self.metrics = Metrics(lambda: self.waiting, lambda: len(self._runs))
        self.capacity = capacity
        self.stopping = False
        self._ledger, self._bells, self._model = ledger, bells, model
        self._documents_of = documents_of
        self._workers = workers
        self._queue: asyncio.Queue[Job] = asyncio.Queue()
        self._queued: set[str] = set()
        self._reserved = 0
        self._runs: dict[str, Run] = {}
        self._working: list[asyncio.Task[None]] = []
        self._typical_seconds = 10.0

    @property
    def waiting(self) -> int:
        """Tasks that are accepted and not begun."""
        return len(self._queued) + self._reserved

    async def start(self) -> None:
        """Take up what an earlier process left, and begin to work."""
        for job in await self._ledger.waiting():
            self.enqueue(job)
        self._working = [asyncio.create_task(self._work()) for _ in range(self._workers)]

    def reserve(self) -> None:
        """Keep a place for a task that is about to be written to the queue.

        Raises:
            QueueFull: there is none.
            Stopping: no more are taken.
        """
        if self.stopping:
            raise Stopping
        if self.waiting >= self.capacity:
            raise QueueFull(min(60.0, self._typical_seconds / self._workers))
        self._reserved += 1

    def release(self) -> None:
        """Give back a reserved place, taken or not."""
        self._reserved -= 1

    def enqueue(self, job: Job) -> None:
        """Let a worker have it; it is in the database's queue already."""
        self._queued.add(job.task_id)
        self._queue.put_nowait(job)

    async def cancel(self, task_id: str, owner: str | None) -> None:
        """Stop a task for good: the call of the model that it waits for is broken off.

        Raises:
            TaskBusy: another process works on it.
        """
        if run := self._runs.get(task_id):
            run.cancelled = True
            if run.work:
                run.work.cancel()
            await run.over.wait()
            return
        self._queued.discard(task_id)
        async with self._ledger.tasks.claim(task_id):
            await self._finish(Job(task_id, owner), "cancelled")

    async def drain(self, seconds: float) -> None:
        """Take nothing more, and let what runs go on to its next checkpoint, where it is stored.
        What takes longer is broken off, and will be done again from its last one."""
        self.stopping = True
        for run in self._runs.values():
            run.control.request_drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for run in list(self._runs.values()):
                    await run.over.wait()
        for run in list(self._runs.values()):
            if run.work:
                run.work.cancel()
            await run.over.wait()
        for worker in self._working:
            worker.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        self._bells.close()

    async def stop(self, seconds: float) -> None:
        """`drain`, and close the connections to the models."""
        await self.drain(seconds)
        await close_language_models()

    async def _work(self) -> None:
        while not self.stopping:
            job = await self._queue.get()
            if job.task_id not in self._queued or self.stopping:
                continue  # it was cancelled meanwhile
            self._queued.discard(job.task_id)
            run = self._runs[job.task_id] = Run(job)
            try:
                await self._carry_out(run)
            except Exception:
                # It keeps its place in the database's queue, and is taken up at the next start.
                log.exception("task %s could not be stored", job.task_id)
            finally:
                del self._runs[job.task_id]
                run.over.set()
                self._bells.ring(job.task_id)

    async def _carry_out(self, run: Run) -> None:
        job, started = run.job, time.monotonic()
        try:
            async with self._ledger.tasks.claim(job.task_id):
                await self._ledger.mark(job.task_id, "running")
                run.work = asyncio.create_task(self._play(run))
                if run.cancelled:
                    run.work.cancel()
                await asyncio.wait([run.work])
                await self._conclude(run, time.monotonic() - started)
        except TaskBusy:
            asyncio.get_running_loop().call_later(BUSY_SECONDS, self.enqueue, job)

    async def _play(self, run: Run) -> dict[str, Any]:
        """Run the graph, and keep each of its events before it goes on."""
        job = run.job
        result: dict[str, Any] = {}
        known = [event.data for event in await self._ledger.events(job.task_id)]
        start = await self._start(job)
        model = self._model or job.model
        documents = self._documents_of(job.owner)
        events = play(self._ledger.tasks, job.task_id, start, model, run.control, documents)
        async with aclosing(events):
            async for event in events:
                result = event.get("result", result)
                # After a kill, steps tell again what they told before it.
                if event["type"] == "done" or (event["type"] != "started" and event in known):
                    continue
                if event["type"] != "started":
                    known = []
                await self._ledger.record(job, event)
                self.metrics.happened(event)
                self._bells.ring(job.task_id)
        return result

    async def _start(self, job: Job) -> Start:
        start = await stored_start(self._ledger.tasks, job.task_id)
        if start is None and job.answers:
            asked = await pending_question(self._ledger.tasks, job.task_id)
            # An answer that was taken before a kill must not answer the next question too.
            if asked in job.answers:
                return Command(resume=dict(job.answers))
        return start

    async def _conclude(self, run: Run, seconds: float) -> None:
        """Enter how the run ended; one that was only stopped keeps its place in the queue."""
        assert run.work is not None  # noqa: S101  (it is over)
        job = run.job
        if run.work.cancelled():
            if run.cancelled:
                await self._finish(job, "cancelled", seconds=seconds)
            else:
                await self._ledger.mark(job.task_id, "queued")
            return
        match run.work.exception():
            case None:
                await self._finish(job, result=run.work.result(), seconds=seconds)
            case GraphDrained():
                await self._ledger.mark(job.task_id, "queued")
            case ConcertinoError() as error:
                await self._finish(job, "failed", str(error), seconds=seconds)
            case error:
                log.error("task %s failed", job.task_id, exc_info=error)
                await self._finish(job, "failed", say("service.internal"), seconds=seconds)

    async def _finish(
        self,
        job: Job,
        status: TaskStatus | None = None,
        error: str | None = None,
        *,
        result: dict[str, Any] | None = None,
        seconds: float = 0.0,
    ) -> None:
        if result is None:
            result = await result_of(self._ledger.tasks, job.task_id, status, error)
        await self._ledger.finish(job.task_id, _last_events(result), result)
        self.metrics.ended(result, seconds)
        if seconds:
            self._typical_seconds += 0.2 * (seconds - self._typical_seconds)
        self._bells.ring(job.task_id)
        log.info("task %s: %s", job.task_id, result["status"])


def _last_events(result: dict[str, Any]) -> list[Event]:
    """What a run's readers are told at its end."""
    events: list[Event] = [{"type": "done", "result": result}]
    if result["status"] == "needs_input":
        events.insert(0, {"type": "needs_input", "question": result["input_request"]})
    elif result["error"]:
        events.insert(0, {"type": "error", "error": result["error"]})
    return events
