"""Counts of attempts that leak away with time (GCRA: a token bucket kept as one moment), in Redis or in this process.

A bucket holds `burst` attempts and gains one each `per`. All buckets of an attempt are asked at once: either each gives one, or
none does and the longest wait is told. Refused attempts cost nothing, so that hammering does not make the wait longer.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from logging import getLogger
from typing import Protocol, TypeVar

from chassis.clock import Clock, system_clock
from redis.asyncio import Redis
from redis.exceptions import RedisError

from auth.metrics import LEDGER_AWAY

log = getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` attempts at once, and one more each `per`."""

    name: str
    burst: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Bucket:
    """One limit applied to one account or address."""

    limit: Limit
    whose: str

    @property
    def key(self) -> str:
        """Its name in the store."""
        return f"auth:attempts:{self.limit.name}:{self.whose}"


@dataclass(frozen=True, slots=True)
class Refused:
    """The bucket that has nothing to give for the longest, and how long that is."""

    bucket: Bucket
    wait: timedelta


class Ledger(Protocol):
    """Where attempts are counted."""

    async def take(self, buckets: Sequence[Bucket]) -> Refused | None:
        """One attempt from each bucket, or from none."""
        ...

    async def give_back(self, buckets: Sequence[Bucket]) -> None:
        """Undo one attempt in each bucket."""
        ...

    async def clear(self, bucket: Bucket) -> None:
        """Fill a bucket."""
        ...


class LocalLedger:
    """Counts of this process alone; forgets the buckets that were used longest ago."""

    def __init__(self, clock: Clock = system_clock, size: int = 20_000) -> None:
        self._clock = clock
        self._size = size
        self._empty_at: OrderedDict[str, datetime] = OrderedDict()

    async def take(self, buckets: Sequence[Bucket]) -> Refused | None:
        now = self._clock()
        after = {bucket: max(now, self._empty_at.get(bucket.key, now)) + bucket.limit.per for bucket in buckets}
        waits = [Refused(b, moment - b.limit.burst * b.limit.per - now) for b, moment in after.items()]
        longest = max(waits, key=lambda refused: refused.wait)
        if longest.wait > timedelta(0):
            return longest
        for bucket, moment in after.items():
            self._empty_at[bucket.key] = moment
            self._empty_at.move_to_end(bucket.key)
        while len(self._empty_at) > self._size:
            self._empty_at.popitem(last=False)
        return None

    async def give_back(self, buckets: Sequence[Bucket]) -> None:
        for bucket in buckets:
            if bucket.key in self._empty_at:
                self._empty_at[bucket.key] -= bucket.limit.per

    async def clear(self, bucket: Bucket) -> None:
        self._empty_at.pop(bucket.key, None)


# Milliseconds of the server's own clock, so that processes need not agree on the time.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local after, longest, which = {}, 0, 0
for i, key in ipairs(KEYS) do
  local per, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  after[i] = math.max(now, tonumber(redis.call('GET', key) or now)) + per
  local wait = after[i] - burst * per - now
  if wait > longest then longest, which = wait, i end
end
if which > 0 then return {which, longest} end
for i, key in ipairs(KEYS) do redis.call('SET', key, string.format('%d', after[i]), 'PX', after[i] - now) end
return {0, 0}
"""
_GIVE_BACK = """
for i, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then redis.call('DECRBY', key, ARGV[i]) end
end
"""


class RedisLedger:
    """Counts that all processes share. Raises `RedisError`, `OSError` or `TimeoutError` where Redis is away."""

    def __init__(self, client: Redis) -> None:
        self._take = client.register_script(_TAKE)
        self._give_back = client.register_script(_GIVE_BACK)
        self._client = client

    async def take(self, buckets: Sequence[Bucket]) -> Refused | None:
        limits = [number for b in buckets for number in (_milliseconds(b.limit.per), b.limit.burst)]
        which, wait = await self._take(keys=[bucket.key for bucket in buckets], args=limits)
        return Refused(buckets[which - 1], timedelta(milliseconds=wait)) if which else None

    async def give_back(self, buckets: Sequence[Bucket]) -> None:
        await self._give_back(
            keys=[bucket.key for bucket in buckets], args=[_milliseconds(bucket.limit.per) for bucket in buckets]
        )

    async def clear(self, bucket: Bucket) -> None:
        await self._client.delete(bucket.key)


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)


class LedgerAway(Exception):
    """The shared counts do not answer, or did not a moment ago."""


class SturdyLedger:
    """The shared counts; while they do not answer, this process's own. Nobody is locked out by an outage, and none is free.

    After a failure the shared ones are not asked for `pause`, so that sign-ins do not each wait for a time-out.
    """

    def __init__(
        self,
        shared: Ledger,
        own: Ledger,
        *,
        clock: Clock = system_clock,
        patience: timedelta = timedelta(milliseconds=300),
        pause: timedelta = timedelta(seconds=5),
    ) -> None:
        self._shared = shared
        self._own = own
        self._clock = clock
        self._patience = patience.total_seconds()
        self._pause = pause
        self._ask_again_at: datetime | None = None

    async def take(self, buckets: Sequence[Bucket]) -> Refused | None:
        try:
            return await self._ask(lambda: self._shared.take(buckets))
        except LedgerAway:
            LEDGER_AWAY.inc()
            return await self._own.take(buckets)

    async def give_back(self, buckets: Sequence[Bucket]) -> None:
        await self._own.give_back(buckets)
        with suppress(LedgerAway):
            await self._ask(lambda: self._shared.give_back(buckets))

    async def clear(self, bucket: Bucket) -> None:
        await self._own.clear(bucket)
        with suppress(LedgerAway):
            await self._ask(lambda: self._shared.clear(bucket))

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        if self._ask_again_at is not None and self._clock() < self._ask_again_at:
            raise LedgerAway
        try:
            async with asyncio.timeout(self._patience):
                return await question()
        except (RedisError, OSError, TimeoutError) as error:
            self._ask_again_at = self._clock() + self._pause
            log.warning(
                "Redis does not count attempts (%s): this process counts its own meanwhile", type(error).__name__
            )
            raise LedgerAway from error
