"""How much one key may do at a time."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class RateLimiter(Protocol):
    """Counts how often each name asks."""

    async def take(self, name: str, per_minute: int) -> float:
        """Take one.

        Returns:
            Seconds to wait until there is one; 0 where it was there and is taken.
        """


class RateLimit:
    """A token bucket for each name: `per_minute` at once, and that many more each minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    async def take(self, name: str, per_minute: int) -> float:
        """Take one.

        Returns:
            Seconds to wait until there is one; 0 where it was there and is taken.
        """
        now = self._clock()
        left, since = self._left.get(name, (per_minute, now))
        left = min(per_minute, left + (now - since) * per_minute / 60)
        taken = left >= 1
        self._left[name] = (left - 1 if taken else left, now)
        return 0.0 if taken else (1 - left) * 60 / per_minute


class OpenStreams:
    """Counts the event streams that each owner has open."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open: Counter[str | None] = Counter()

    @contextmanager
    def try_acquire(self, owner: str | None) -> Iterator[bool]:
        """Hold one; false where the owner has as many as it may."""
        if self._open[owner] >= self.limit:
            yield False
            return
        self._open[owner] += 1
        try:
            yield True
        finally:
            self._open[owner] -= 1
