"""Tells the readers in this process that there is something new; what it is, they read for
themselves, each at its own pace, so that none of them can hold up the work."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Subscription(asyncio.Event):
    """Set by each ring; whoever waits clears it."""

    def __init__(self) -> None:
        super().__init__()
        self.stored = asyncio.Event()
        """Set where what is new is stored, and not only a draft."""

    def clear(self) -> None:
        super().clear()
        self.stored.clear()


class Notifier:
    """A bell for each task that somebody follows."""

    def __init__(self) -> None:
        self.closed = False
        """Whether readers should leave, since the service stops."""
        self._listening: dict[str, set[Subscription]] = {}

    def notify(self, name: str, stored: bool = True) -> None:
        """Wake all who listen to this one."""
        for bell in self._listening.get(name, ()):
            bell.set()
            if stored:
                bell.stored.set()

    def notify_all(self) -> None:
        """Wake everybody here."""
        for name in self._listening:
            Notifier.notify(self, name)

    def close(self) -> None:
        """Wake everybody here, to leave."""
        self.closed = True
        self.notify_all()

    @contextmanager
    def subscribe(self, name: str) -> Iterator[Subscription]:
        """A bell that hears each ring from now on."""
        bell = Subscription()
        self._listening.setdefault(name, set()).add(bell)
        try:
            yield bell
        finally:
            self._listening[name].discard(bell)
            if not self._listening[name]:
                del self._listening[name]


async def wait_at_most(news: asyncio.Event, seconds: float) -> bool:
    """Wait for news, and no longer than that: a ring may be lost, so whoever waits for one looks
    by itself too.

    Returns:
        Whether there are any.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
    return news.is_set()
