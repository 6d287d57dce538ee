"""Delivery of tasks to workers on any machine, through taskiq's broker over Redis Streams.

A message holds only a task's id. The task itself, its place in the queue and its outcome are in
the database, so Redis may lose everything: a due task that is unclaimed and not in Redis is sent
again. A duplicate message does no harm, since a task is claimed before it is run.
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
"""The only taskiq task: run one of our tasks."""
WORKERS = "workers"
"""Name of the consumer group."""
READ_SECONDS = 2.0
"""Time a worker waits for a message before checking for messages of dead workers."""
RETRY = Retry(NoBackoff(), 1)
"""One immediate retry: a request does not wait for Redis to recover."""
CANCEL_SECONDS = 0.1
"""Time a cancelled read may continue before it is cancelled again."""
MAX_MESSAGES = 1_000_000
"""Approximate maximum length of the stream, including acknowledged messages."""

log = logging.getLogger(__name__)


def create_redis_client(settings: Settings) -> Redis:
    """Create a client for the Redis server in the settings.

    Raises:
        ConcertinoError: no Redis server or no database is set, or the Redis URL is invalid.
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


async def check_redis(settings: Settings) -> None:
    """Check that the Redis server in the settings answers.

    Raises:
        ConcertinoError: it does not answer, or the settings are incomplete.
    """
    async with create_redis_client(settings) as redis:
        try:
            await redis.ping()
        except (RedisError, OSError) as error:
            reason = " ".join(str(error).split())
            raise ConcertinoError(say("service.redis_unreachable", reason=reason)) from error


class StoppableBroker(RedisStreamBroker):
    """taskiq's broker, made to stop listening reliably.

    redis-py may lose a cancellation and would then keep reading forever.
    """

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
    """The stream of messages to the workers."""

    def __init__(self, settings: Settings) -> None:
        self._redis = create_redis_client(settings)
        self._stream = f"{settings.redis_prefix}:tasks"
        assert settings.redis_url  # noqa: S101  (`create_redis_client` has checked it)
        self.broker = StoppableBroker(
            settings.redis_url.get_secret_value(),
            queue_name=self._stream,
            consumer_group_name=WORKERS,
            consumer_name=f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}",
            consumer_id="0",  # the first worker also gets messages sent before it existed
            maxlen=MAX_MESSAGES,
            # A dead worker's message passes to another worker when its lease expires.
            idle_timeout=round(settings.lease_seconds * 1000),
            xread_block=round(1000 * min(READ_SECONDS, settings.lease_seconds / 2)),
            # A worker takes only as much as it has capacity for.
            xread_count=1,
            unacknowledged_batch_size=1,
            unacknowledged_lock_timeout=READ_SECONDS,
            retry=RETRY,
        )

    async def send(self, task_id: str) -> None:
        """Send a task to the workers; if Redis does not answer, `resend_lost` sends it later."""
        kicker: AsyncKicker[[str], None] = AsyncKicker(CARRY_OUT, self.broker, {})
        try:
            await kicker.kiq(task_id)
        except (TaskiqError, RedisError, OSError) as error:
            log.warning("task %s will be sent later: %s", task_id, error.__cause__ or error)

    async def has_unread(self) -> bool:
        """Return whether any messages have not been delivered to a worker yet."""
        try:
            groups = await self._redis.xinfo_groups(self._stream)
        except ResponseError:  # the stream does not exist
            return False
        last = [each["last-delivered-id"] for each in groups if each["name"] == WORKERS]
        start = f"({last[0]}" if last else "-"
        return bool(await self._redis.xrange(self._stream, start, count=1))

    async def start(self) -> None:
        with suppress(RedisError, OSError):  # a worker creates what is missing
            await self.broker.startup()

    async def stop(self) -> None:
        await self.broker.shutdown()
        await self._redis.aclose()


async def resend_lost(ledger: Ledger, deliveries: MessageBroker, seconds: float) -> None:
    """Resend, forever, tasks whose messages Redis lost; none while any message is unread."""

    async def unheld() -> list[str]:
        return [] if await deliveries.has_unread() else await ledger.list_unheld()

    await resend_lost_tasks(seconds, unheld, deliveries.send)
