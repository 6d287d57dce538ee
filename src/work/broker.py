"""Tasks that workers on any machine carry out: sent through taskiq's broker over Redis Streams.

A message says no more than a task's id. The task itself, its place in the queue and what has come
of it are in the database, so that Redis may lose everything: what is due, in nobody's hands and
not in Redis is sent again. A message too many does no harm, since a task is claimed before it is
played.
"""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from taskiq import AckableMessage
from taskiq.exceptions import TaskiqError
from taskiq.kicker import AsyncKicker
from taskiq_redis import RedisStreamBroker

from ..errors import ConcertinoError
from ..language.messages import say
from ..settings import Settings
from .ledger import Ledger
from .sweeping import resend_lost_tasks

CARRY_OUT = "carry_out"
"""The one task of taskiq's: to carry out a task of ours."""
WORKERS = "workers"
"""The consumer group."""
READ_SECONDS = 2.0
"""How long a worker waits for a message before it looks for those of workers that have died."""
RETRY = Retry(NoBackoff(), 1)
"""A request does not wait for Redis to come back."""
CANCEL_SECONDS = 0.1
"""How long a read that is cancelled may go on before it is cancelled again."""
MAX_MESSAGES = 1_000_000
"""How many messages, done ones too, Redis keeps at most, about."""

log = logging.getLogger(__name__)


def create_redis_client(settings: Settings) -> Redis:
    """The client for the settings' Redis.

    Raises:
        ConcertinoError: there is none, or no database for it.
    """
    if settings.redis_url is None or settings.database_url is None:
        raise ConcertinoError(say("service.redis_needs_database"))
    try:
        return Redis.from_url(
            settings.redis_url.get_secret_value(),
            decode_responses=True,
            health_check_interval=10,
            retry=RETRY,
        )
    except ValueError:
        raise ConcertinoError(say("service.redis_url")) from None


class StoppableBroker(RedisStreamBroker):
    """taskiq's broker, which can be relied on to stop listening: redis-py may lose a cancellation,
    and would then read on for ever."""

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        async with aclosing(super().listen()) as messages:
            while True:
                yield await _next_message(messages)


async def _next_message(messages: AsyncGenerator[AckableMessage, None]) -> AckableMessage:
    reading = asyncio.ensure_future(anext(messages))
    patience: float | None = None
    while not reading.done():
        try:
            await asyncio.wait({reading}, timeout=patience)
        except asyncio.CancelledError:
            patience = CANCEL_SECONDS
        if patience:
            reading.cancel()
    return await reading


class MessageBroker:
    """The messages on their way to the workers."""

    def __init__(self, settings: Settings) -> None:
        self._redis = create_redis_client(settings)
        self._stream = f"{settings.redis_prefix}:tasks"
        assert settings.redis_url  # noqa: S101  (`create_redis_client` has seen to it)
        self.broker = StoppableBroker(
            settings.redis_url.get_secret_value(),
            queue_name=self._stream,
            consumer_group_name=WORKERS,
            consumer_name=f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}",
            consumer_id="0",  # what was sent before there was a worker is for the first one
            maxlen=MAX_MESSAGES,
            # A message of a worker that has died is another's as soon as its lease is.
            idle_timeout=round(settings.lease_seconds * 1000),
            xread_block=round(1000 * min(READ_SECONDS, settings.lease_seconds / 2)),
            # A worker takes what it has room for, and leaves the rest to others.
            xread_count=1,
            unacknowledged_batch_size=1,
            unacknowledged_lock_timeout=READ_SECONDS,
            retry=RETRY,
        )

    async def send(self, task_id: str) -> None:
        """Let some worker have a task; where Redis does not answer, `resend_lost` will."""
        kicker: AsyncKicker[[str], None] = AsyncKicker(CARRY_OUT, self.broker, {})
        try:
            await kicker.kiq(task_id)
        except (TaskiqError, RedisError, OSError) as error:
            log.warning("task %s will be sent later: %s", task_id, error.__cause__ or error)

    async def has_unread(self) -> bool:
        """Whether there are messages that no worker has got yet."""
        try:
            groups = await self._redis.xinfo_groups(self._stream)
        except ResponseError:  # there is no stream
            return False
        last = [each["last-delivered-id"] for each in groups if each["name"] == WORKERS]
        start = f"({last[0]}" if last else "-"
        return bool(await self._redis.xrange(self._stream, start, count=1))

    async def start(self) -> None:
        with suppress(RedisError, OSError):  # a worker will make what is missing
            await self.broker.startup()

    async def stop(self) -> None:
        await self.broker.shutdown()
        await self._redis.aclose()


async def resend_lost(ledger: Ledger, deliveries: MessageBroker, seconds: float) -> None:
    """Send again, for ever, what Redis has lost: while a message is unread nothing is."""

    async def unheld() -> list[str]:
        return [] if await deliveries.has_unread() else await ledger.list_unheld()

    await resend_lost_tasks(seconds, unheld, deliveries.send)
