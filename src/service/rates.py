"""Request rate limit per key, across all applications."""

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .limits import RateLimit

KEPT_SECONDS = 120
"""Lifetime of an unused bucket; it would be full again after 60 seconds."""

_TAKE = """
local per_minute, time = tonumber(ARGV[1]), redis.call('TIME')
local now = time[1] + time[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'left', 'since')
local left, since = tonumber(kept[1]) or per_minute, tonumber(kept[2]) or now
left = math.min(per_minute, left + (now - since) * per_minute / 60)
local taken = left >= 1
if taken then left = left - 1 end
redis.call('HSET', KEYS[1], 'left', tostring(left), 'since', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return tostring(taken and 0 or (1 - left) * 60 / per_minute)
"""
"""`RateLimit.take` as an atomic Redis script."""


class SharedRateLimit:
    """The token buckets of `RateLimit`, in Redis.

    While Redis does not answer, each application counts by itself.

    Args:
        prefix: prefix of the buckets' Redis keys.
    """

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._alone = RateLimit()
        self._prefix = prefix
        self._take = redis.register_script(_TAKE)

    async def take(self, name: str, per_minute: int) -> float:
        """Take a token, as `RateLimit.take` does."""
        try:
            wait = await self._take([f"{self._prefix}:rate:{name}"], [per_minute, KEPT_SECONDS])
        except (RedisError, OSError):
            return await self._alone.take(name, per_minute)
        return float(wait)
