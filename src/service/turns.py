"""Whose upload comes next: owners take turns, and small files do not wait for large ones."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SMALL_BYTES = 64 << 10
"""Files below this size, a few seconds of work, have workers of their own."""

Key = tuple[str | None, str]
"""Owner and name of a file: of one key the earlier upload goes first."""


@dataclass
class _Lane:
    queues: dict[str | None, deque[tuple[str, Key]]] = field(default_factory=dict)
    ready: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))


class Turns:
    """Uploads that wait, each given out once."""

    def __init__(self) -> None:
        self.lanes = (_Lane(), _Lane())
        self._waiting: dict[Key, tuple[_Lane, int]] = {}
        self._locks: defaultdict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    def put(self, upload_id: str, key: Key, size: int) -> None:
        """Line up an upload, behind an earlier one of the same key wherever that is."""
        lane, others = self._waiting.get(key, (self.lanes[size >= SMALL_BYTES], 0))
        self._waiting[key] = lane, others + 1
        lane.queues.setdefault(key[0], deque()).append((upload_id, key))
        lane.ready.release()

    @asynccontextmanager
    async def take(self, lane: _Lane) -> AsyncIterator[str]:
        """Wait for the next upload of a lane and hold its key while it is worked on."""
        await lane.ready.acquire()
        owner = next(iter(lane.queues))
        queue = lane.queues.pop(owner)
        upload_id, key = queue.popleft()
        if queue:
            lane.queues[owner] = queue  # behind the other owners
        try:
            async with self._locks[key]:
                yield upload_id
        finally:
            _, others = self._waiting.pop(key)
            if others > 1:
                self._waiting[key] = lane, others - 1
            else:
                del self._locks[key]
