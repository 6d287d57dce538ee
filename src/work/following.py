"""Follow a task through its stored events, across processes and restarts."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from ..errors import UnknownTask
from ..state import FINAL, WAITING
from ..store.base import TaskSummary
from ..tasks.events import Event
from ..tasks.result import read_result
from .ledger import Ledger, StoredEvent
from .live_text import LiveText, TextPiece
from .notifier import Notifier, wait_at_most

LOOK_SECONDS = 5.0
"""Poll interval for tasks that another process, such as the command line, may be running."""

TOKEN_SECONDS = 0.1
"""Time window within which tokens are reported together."""


@dataclass(frozen=True)
class StreamedEvent:
    """An event as sent to readers."""

    id: int | None
    """Event number; None for events that are not stored and cannot be replayed."""
    data: Event


async def follow(
    ledger: Ledger, notifier: Notifier, live_text: LiveText, task: TaskSummary, after: int = 0
) -> AsyncIterator[StreamedEvent]:
    """Yield a task's events after number `after` as they arrive, until the task ends.

    Live text from models is interleaved with the stored events. `reset` says that events after
    `after` are no longer kept, or that there never was such a number.
    """
    over = task.status in FINAL
    ended = over
    if after > await ledger.get_last_event_number(task.task_id):
        yield StreamedEvent(None, {"type": "reset"})
        after = 0
    look = True
    place: dict[str, int] = {}
    with notifier.subscribe(task.task_id) as subscription:
        while not notifier.closed:
            subscription.clear()
            stored: list[StoredEvent] = []
            pieces = [] if over else live_text.read(task.task_id, place)
            if look:
                ended = ended or await _has_ended(ledger, task.task_id)
                stored = await ledger.list_events(task.task_id, after)
                if stored and stored[0].id > after + 1:
                    yield StreamedEvent(None, {"type": "reset"})
            for event in _merge_events(stored, pieces):
                after = event.id or after
                yield event
            if ended:
                if not after:  # not run by the service
                    with suppress(UnknownTask):
                        yield await _build_done(ledger, task)
                return
            if pieces:
                await wait_at_most(subscription.stored, TOKEN_SECONDS)
            notified = await wait_at_most(subscription, LOOK_SECONDS)
            look = not notified or subscription.stored.is_set()


async def _has_ended(ledger: Ledger, task_id: str) -> bool:
    """Return whether a task has ended; one that was deleted has."""
    try:
        return (await ledger.tasks.get(task_id)).status in FINAL
    except UnknownTask:
        return True


async def _build_done(ledger: Ledger, task: TaskSummary) -> StreamedEvent:
    """Build the last event of a task that another process, such as the command line, has run."""
    result = await read_result(ledger.tasks, task.task_id, task.status)
    return StreamedEvent(1, {"type": "done", "result": result.model_dump(mode="json")})


def _merge_events(stored: list[StoredEvent], pieces: list[TextPiece]) -> list[StreamedEvent]:
    """Merge by number, each text piece after the stored event that it follows."""
    numbered = [((event.id, 0), StreamedEvent(event.id, event.data)) for event in stored]
    live = [((piece.after, 1), StreamedEvent(None, piece.event)) for piece in pieces]
    return [event for _, event in heapq.merge(numbered, live, key=lambda pair: pair[0])]


async def wait_until_settled(
    ledger: Ledger, notifier: Notifier, task: TaskSummary, seconds: float
) -> bool:
    """Return whether a task ends or asks its user for input within this time."""
    with notifier.subscribe(task.task_id) as subscription, suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not notifier.closed:
                subscription.clear()
                now = await ledger.tasks.get(task.task_id)
                if now.status in FINAL | WAITING:
                    return True
                await wait_at_most(subscription.stored, LOOK_SECONDS)
    return False
