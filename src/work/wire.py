"""Notifications and live text between processes, through Redis.

Delivery is best effort: stored data is in the database, which waiting readers also poll every few
seconds.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ..settings import Settings
from ..tasks.events import TokenEvent
from .live_text import LiveText
from .notifier import Notifier

MAX_UNSENT = 10_000
"""Maximum number of messages waiting for Redis; further ones are dropped."""
MAX_BATCH = 100
"""Maximum number of messages sent together."""
RETRY_SECONDS = 1.0

RelayMessage = dict[str, Any]

log = logging.getLogger(__name__)


class RedisRelay:
    """Relays notifications and live text to all processes."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self.notifier = SharedNotifier(self)
        self.live_text = SharedLiveText(self)
        self._redis = redis
        self._channel = f"{settings.redis_prefix}:wire"
        self._me = uuid.uuid4().hex
        self._unsent: asyncio.Queue[RelayMessage] = asyncio.Queue(MAX_UNSENT)
        self._working: list[asyncio.Task[None]] = []

    def send(self, **message: Any) -> None:
        """Queue a message to the other processes; drop it if the queue is full."""
        if not self._unsent.full():
            self._unsent.put_nowait(message)

    async def start(self) -> None:
        """Start sending and listening."""
        self._working = [
            asyncio.create_task(self._run_with_retry(work)) for work in (self._send, self._listen)
        ]

    async def stop(self) -> None:
        """Send the remaining messages and close the connection."""
        while not self._unsent.empty():
            try:
                await self._send_batch()
            except (RedisError, OSError):
                break
        for work in self._working:
            work.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        await self._redis.aclose()

    async def _run_with_retry(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except (RedisError, OSError) as error:
                log.warning("Redis does not answer: %s", error)
            except Exception:  # a malformed message from another publisher
                log.exception("a message from another process could not be read")
            await asyncio.sleep(RETRY_SECONDS)

    async def _send(self) -> None:
        while True:
            await self._send_batch()

    async def _send_batch(self) -> None:
        messages = [await self._unsent.get()]
        while not self._unsent.empty() and len(messages) < MAX_BATCH:
            messages.append(self._unsent.get_nowait())
        data = json.dumps({"from": self._me, "messages": messages}, ensure_ascii=False)
        await self._redis.publish(self._channel, data)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as heard:
            await heard.subscribe(self._channel)
            self.notifier.notify_all()  # for messages missed while not subscribed
            while True:
                said = await heard.get_message(timeout=RETRY_SECONDS)
                if said and said["type"] == "message":
                    self._dispatch(json.loads(said["data"]))

    def _dispatch(self, said: dict[str, Any]) -> None:
        if said["from"] == self._me:
            return
        for message in said["messages"]:
            match message:
                case {"ring": name, "stored": stored}:
                    self.notifier.receive(name, stored)
                case {"draft": task_id, "after": after, "event": event}:
                    self.live_text.receive(task_id, after, event)
                case {"drop": task_id}:
                    self.live_text.receive_drop(task_id)


class SharedNotifier(Notifier):
    """A notifier that reaches subscribers in every process."""

    def __init__(self, wire: RedisRelay) -> None:
        super().__init__()
        self._wire = wire

    def notify(self, name: str, stored: bool = True) -> None:
        super().notify(name, stored)
        self._wire.send(ring=name, stored=stored)

    def receive(self, name: str, stored: bool) -> None:
        """Wake local subscribers for a notification from another process."""
        super().notify(name, stored)


class SharedLiveText(LiveText):
    """Live text that can be read in every process."""

    def __init__(self, wire: RedisRelay) -> None:
        super().__init__()
        self._wire = wire

    def write(self, task_id: str, after: int, event: TokenEvent) -> None:
        super().write(task_id, after, event)
        self._wire.send(draft=task_id, after=after, event=event)

    def drop(self, task_id: str) -> None:
        super().drop(task_id)
        self._wire.send(drop=task_id)

    def receive(self, task_id: str, after: int, event: TokenEvent) -> None:
        """Append a `token` event from another process."""
        super().write(task_id, after, event)

    def receive_drop(self, task_id: str) -> None:
        """Delete a task's text that another process has deleted."""
        super().drop(task_id)
