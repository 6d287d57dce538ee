"""Notifies readers in this process of new data.

Readers fetch the data themselves, each at its own pace, so no reader can delay the work.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Subscription(asyncio.Event):
    """An event set by each notification and cleared by the subscriber."""

    def __init__(self) -> None:
        super().__init__()
        self.stored = asyncio.Event()
        """Set if the new data is stored, not only live text."""

    def clear(self) -> None:
        super().clear()
        self.stored.clear()


class Notifier:
    """Notifications to subscribers, by name, such as a task's id."""

    def __init__(self) -> None:
        self.closed = False
        """Whether readers should stop because the service is shutting down."""
        self._listening: dict[str, set[Subscription]] = {}

    def notify(self, name: str, stored: bool = True) -> None:
        """Wake all subscribers to this name."""
        for subscription in self._listening.get(name, ()):
            subscription.set()
            if stored:
                subscription.stored.set()

    def notify_all(self) -> None:
        """Wake all subscribers in this process."""
        for name in self._listening:
            Notifier.notify(self, name)

    def close(self) -> None:
        """Set `closed` and wake all subscribers in this process."""
        self.closed = True
        self.notify_all()

    @contextmanager
    def subscribe(self, name: str) -> Iterator[Subscription]:
        """Yield a subscription to all notifications of this name from now on."""
        subscription = Subscription()
        self._listening.setdefault(name, set()).add(subscription)
        try:
            yield subscription
        finally:
            self._listening[name].discard(subscription)
            if not self._listening[name]:
                del self._listening[name]


async def wait_at_most(news: asyncio.Event, seconds: float) -> bool:
    """Wait for an event with a timeout.

    Notifications may be lost, so callers must also poll.

    Returns:
        Whether the event is set.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
    return news.is_set()
