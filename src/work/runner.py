"""Running a task: claim it, run its graph and store the outcome.

Pending work is in the database, and progress is written there at once. So a killed process loses
nothing: the next one finds the same tasks and resumes each from its last checkpoint.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from langgraph.types import Command

from ..errors import ConcertinoError, StoreUnavailable, TaskBusy
from ..language.detect import detect_language
from ..language.messages import say, use_language
from ..state import FINAL, TaskStatus
from ..store.base import Interruption
from ..tasks.ending import reward_task
from ..tasks.events import Event
from ..tasks.play import Start, find_pending_interrupt, load_start_input, play
from ..tasks.result import TaskResult, read_result
from .ledger import Job, Ledger
from .live_text import LiveText
from .logs import log_context
from .metrics import Metrics
from .notifier import Notifier
from .spending import Spending
from .tracing import build_span_callbacks, record_task_end, start_task_span

LIVE_TEXT_SECONDS = 5.0
"""Time that a run's live text is kept for its readers after the run ends."""

MAX_VAIN_STARTS = 10
"""Starts without progress after which a task fails: it may be crashing its processes."""
VAIN_EVENTS = ("started", "model", "node_start", "progress")
"""Events that do not mark a completed step."""

log = logging.getLogger(__name__)


Outcome = Literal["over", "stopped", "busy"]
"""Result of `Runner.carry_out`: nothing is left to do on the task (`over`); it was stopped early
because the process is stopping (`stopped`); this process cannot run it now (`busy`)."""


@dataclass
class TaskRun:
    """A task held by this process."""

    control: RunControl = field(default_factory=RunControl)
    spending: Spending = field(default_factory=Spending)
    work: "asyncio.Task[TaskResult] | None" = None
    interrupted: Interruption | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, work: Coroutine[Any, Any, TaskResult]) -> "asyncio.Task[TaskResult]":
        """Start the run as an asyncio task; cancel it at once if already interrupted."""
        self.work = asyncio.create_task(work)
        if self.interrupted:
            self.work.cancel()
        return self.work

    def interrupt(self, why: Interruption) -> None:
        """Abort the run."""
        self.interrupted = why
        if self.work:
            self.work.cancel()


def count_vain_starts(events: Sequence[Event]) -> int:
    """Count the starts of a task since its last completed step."""
    since = takewhile(lambda event: event["type"] in VAIN_EVENTS, reversed(events))
    return sum(event["type"] == "started" for event in since)


def build_nudge_name(task_id: str) -> str:
    """Return the notification name that makes a task's worker check at once whether to stop."""
    return f"nudge {task_id}"


class Runner:
    """Runs tasks, one per call; callers control their order and concurrency.

    Args:
        documents_of: returns the folder of an owner's knowledge base; None is the machine's own.
        model: a chat model for all tasks; None uses the model each task requested.
    """

    def __init__(
        self,
        ledger: Ledger,
        notifier: Notifier,
        live_text: LiveText,
        metrics: Metrics,
        *,
        documents_of: Callable[[str | None], Path | None],
        model: BaseChatModel | None = None,
    ) -> None:
        self.typical_seconds = 10.0
        """Exponential moving average of run durations."""
        self._ledger = ledger
        self._notifier = notifier
        self._live_text = live_text
        self._metrics = metrics
        self._documents_of = documents_of
        self._model = model
        self._runs: dict[str, TaskRun] = {}
        self._draining = False

    @property
    def running(self) -> int:
        """Number of tasks held by this process."""
        return len(self._runs)

    @property
    def held(self) -> set[str]:
        """Ids of the tasks held by this process."""
        return set(self._runs)

    async def carry_out(self, task_id: str) -> Outcome:
        """Run a task to its end, if it is due and no other process holds it."""
        if task_id in self._runs:
            return "busy"
        if self._draining:
            return "stopped"
        run = self._runs[task_id] = TaskRun()
        try:
            with (
                log_context(task_id=task_id),
                self._notifier.subscribe(build_nudge_name(task_id)) as nudge,
            ):
                async with self._ledger.tasks.claim(task_id, run.interrupt, nudge) as store:
                    return await self._begin(task_id, run, Ledger(store))
        except (TaskBusy, StoreUnavailable) as error:
            log.info("task %s: %s", task_id, error)
            return "busy"
        finally:
            del self._runs[task_id]
            run.over.set()
            self._notifier.notify(task_id)
            # Readers get time to read to the end first.
            asyncio.get_running_loop().call_later(LIVE_TEXT_SECONDS, self._forget, task_id)

    async def cancel(self, task_id: str, owner: str | None) -> None:
        """Cancel a task; a model call in progress is aborted.

        Raises:
            TaskBusy: another process is running it.
        """
        if run := self._runs.get(task_id):
            run.interrupt("cancelled")
            await run.over.wait()
            return
        async with self._ledger.tasks.claim(task_id) as store:
            if (await store.get(task_id)).status not in FINAL:
                job = Job(task_id, owner)
                await self._finish(job, Ledger(store), Spending(), "cancelled")

    async def drain(self, seconds: float) -> None:
        """Start no more tasks, and let running ones reach their next checkpoint.

        Runs that take longer are aborted and will resume from their last checkpoint.
        """
        self._draining = True
        runs = list(self._runs.values())
        for run in runs:
            run.control.request_drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for run in runs:
                    await run.over.wait()
        for run in list(self._runs.values()):
            run.interrupt("lost")
            await run.over.wait()

    def _forget(self, task_id: str) -> None:
        if task_id not in self._runs:
            self._live_text.drop(task_id)

    async def _begin(self, task_id: str, run: TaskRun, ledger: Ledger) -> Outcome:
        job = await ledger.get_due_job(task_id)
        if job is None:
            return "over"
        question = (await ledger.tasks.get(task_id)).question
        try:
            with start_task_span(job), use_language(detect_language(question)):
                return await self._go_through(job, run, ledger)
        except TaskBusy:
            # Another process has the task now; tokens spent here are charged anyway.
            await self._ledger.charge(job.owner, run.spending)
            raise

    async def _go_through(self, job: Job, run: TaskRun, ledger: Ledger) -> Outcome:
        started = time.monotonic()
        await ledger.set_status(job.task_id, "running")
        work = run.begin(self._play(run, job, ledger))
        await asyncio.wait([work])
        seconds = time.monotonic() - started
        if work.cancelled() and run.interrupted == "cancelled":
            await self._finish(job, ledger, run.spending, "cancelled", seconds=seconds)
            return "over"
        return await self._conclude(job, ledger, work, run.spending, seconds)

    async def _play(self, run: TaskRun, job: Job, ledger: Ledger) -> TaskResult:
        """Run the graph, storing each event before continuing."""
        result: TaskResult | None = None
        number = 0
        known = [event.data for event in await ledger.list_events(job.task_id)]
        if count_vain_starts(known) >= MAX_VAIN_STARTS:
            raise ConcertinoError(say("task.keeps_ending", number=MAX_VAIN_STARTS))
        start = await _build_start(job, ledger)
        model = self._model or job.model
        documents = self._documents_of(job.owner)
        watching = [self._metrics.model_calls, run.spending, *build_span_callbacks()]
        events = play(ledger.tasks, job.task_id, start, model, run.control, documents, watching)
        async with aclosing(events):
            async for event in events:
                if event["type"] == "done":
                    result = TaskResult.model_validate(event["result"])
                    continue
                if event["type"] == "token":
                    self._live_text.write(job.task_id, number, event)
                    self._notifier.notify(job.task_id, stored=False)
                    continue
                # After a kill, steps emit events again that they emitted before.
                if event["type"] != "started" and event in known:
                    continue
                if event["type"] != "started":
                    known = []
                number = await ledger.record(job, event, run.spending)
                self._metrics.count_event(event)
                self._notifier.notify(job.task_id)
        assert result is not None  # noqa: S101  (a run that raised nothing ends with `done`)
        return result

    async def _conclude(
        self,
        job: Job,
        ledger: Ledger,
        work: "asyncio.Task[TaskResult]",
        spending: Spending,
        seconds: float,
    ) -> Outcome:
        """Store the outcome of the run; a stopped run keeps its place in the queue."""
        match GraphDrained() if work.cancelled() else work.exception():
            case None:
                await self._finish(job, ledger, spending, result=work.result(), seconds=seconds)
            case GraphDrained():
                await ledger.put_back(job, spending)
                return "stopped"
            case TaskBusy() | StoreUnavailable() as error:
                raise error
            case ConcertinoError() as error:
                await self._finish(job, ledger, spending, "failed", str(error), seconds=seconds)
            case error:
                log.error("task %s failed", job.task_id, exc_info=error)
                message = say("service.internal")
                await self._finish(job, ledger, spending, "failed", message, seconds=seconds)
        return "over"

    async def _finish(
        self,
        job: Job,
        ledger: Ledger,
        spending: Spending,
        status: TaskStatus | None = None,
        error: str | None = None,
        *,
        result: TaskResult | None = None,
        seconds: float = 0.0,
    ) -> None:
        if result is None:
            store = ledger.tasks
            result = await read_result(store, job.task_id, status, error)
            # If the run completed, `play` has already rewarded it.
            reward = await reward_task(
                store, job.task_id, result.status, error=error, model=job.model
            )
            result = result.model_copy(update={"reward": reward})
        await ledger.finish(job, _build_last_events(result), result, spending)
        self._metrics.count_task(result, seconds)
        record_task_end(result)
        if seconds:
            self.typical_seconds += 0.2 * (seconds - self.typical_seconds)
        self._notifier.notify(job.task_id)
        log.info("task %s: %s", job.task_id, result.status)


async def _build_start(job: Job, ledger: Ledger) -> Start:
    start = await load_start_input(ledger.tasks, job.task_id)
    if start is None and job.answers:
        asked = await find_pending_interrupt(ledger.tasks, job.task_id)
        # An answer consumed before a kill must not also answer the next question.
        if asked in job.answers:
            return Command(resume=dict(job.answers))
    return start


def _build_last_events(result: TaskResult) -> list[Event]:
    """Build the events that end a run."""
    events: list[Event] = [{"type": "done", "result": result.model_dump(mode="json")}]
    if result.approvals:
        waiting = [approval.model_dump(mode="json") for approval in result.approvals]
        question = result.input_request or ""
        asked: Event = {"type": "needs_approval", "question": question, "approvals": waiting}
        events.insert(0, asked)
    elif result.input_request is not None:
        events.insert(0, {"type": "needs_input", "question": result.input_request})
    elif result.error:
        events.insert(0, {"type": "error", "error": result.error})
    return events
