"""Limits per caller: request rate and open event streams."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class RateLimiter(Protocol):
    """Limits the request rate per name."""

    async def take(self, name: str, per_minute: int) -> float:
        """Take a token, if one is available.

        Returns:
            Seconds until a token is available; 0 if one was taken.
        """


class RateLimit:
    """A token bucket per name: capacity `per_minute`, refilled at `per_minute` a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    async def take(self, name: str, per_minute: int) -> float:
        """Take a token, if one is available.

        Returns:
            Seconds until a token is available; 0 if one was taken.
        """
        now = self._clock()
        left, since = self._left.get(name, (per_minute, now))
        left = min(per_minute, left + (now - since) * per_minute / 60)
        taken = left >= 1
        self._left[name] = (left - 1 if taken else left, now)
        return 0.0 if taken else (1 - left) * 60 / per_minute


class OpenStreams:
    """Limits the open event streams per owner."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open: Counter[str | None] = Counter()

    @contextmanager
    def try_acquire(self, owner: str | None) -> Iterator[bool]:
        """Hold a stream slot; yield False if the owner has reached the limit."""
        if self._open[owner] >= self.limit:
            yield False
            return
        self._open[owner] += 1
        try:
            yield True
        finally:
            self._open[owner] -= 1
