"""How often a key may ask all applications together."""

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .limits import RateLimit

KEPT_SECONDS = 120
"""After which a bucket that nobody takes from is full anyway."""

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
"""`RateLimit.take`, in one step of Redis."""


class SharedRateLimit:
    """The token buckets of `RateLimit` in Redis; while that does not answer, each application
    counts by itself.

    Args:
        prefix: beginning of their names.
    """

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._alone = RateLimit()
        self._prefix = prefix
        self._take = redis.register_script(_TAKE)

    async def take(self, name: str, per_minute: int) -> float:
        """As `RateLimit.take`."""
        try:
            wait = await self._take([f"{self._prefix}:rate:{name}"], [per_minute, KEPT_SECONDS])
        except (RedisError, OSError):
            return await self._alone.take(name, per_minute)
        return float(wait)
