"""Tells the readers in this process that there is something new; what it is, they read for
themselves, each at its own pace, so that none of them can hold up the work."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Bells:
    """A bell for each task that somebody follows."""

    def __init__(self) -> None:
        self.closed = False
        """Whether readers should leave, since the service stops."""
        self._listening: dict[str, set[asyncio.Event]] = {}

    def ring(self, name: str) -> None:
        """Wake all who listen to this one."""
        for bell in self._listening.get(name, ()):
            bell.set()

    def close(self) -> None:
        """Wake everybody, to leave."""
        self.closed = True
        for name in self._listening:
            self.ring(name)

    @contextmanager
    def listen(self, name: str) -> Iterator[asyncio.Event]:
        """An event that is set by each ring; whoever waits clears it."""
        bell = asyncio.Event()
        self._listening.setdefault(name, set()).add(bell)
        try:
            yield bell
        finally:
            self._listening[name].discard(bell)
            if not self._listening[name]:
                del self._listening[name]
