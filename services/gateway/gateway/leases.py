"""The buckets in Redis, and the local ones that stand in for them while Redis is away."""

import asyncio
from collections.abc import Callable
from logging import getLogger

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.limits import Account, Grant
from gateway.metrics import LIMITS_ARE_LOCAL

log = getLogger(__name__)
# One round trip serves every account that asked meanwhile.
_LARGEST_BATCH = 200
_TIMEOUT = 0.25
_RETRY_AFTER = 1.0
_REMEMBERED_BUCKETS = 100_000
# Redis' own clock, so that gateways need not agree on the time.
_TAKE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local limit, rate, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = math.min(limit, (tonumber(bucket[1]) or limit) + math.max(0, now - (tonumber(bucket[2]) or now)) * rate)
local granted = math.min(wanted, math.floor(tokens))
tokens = tokens - granted
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(limit / rate) + 1)
local wait = 0
if granted == 0 then wait = math.ceil((1 - tokens) / rate * 1000) end
return {granted, math.floor(tokens), wait}
"""


class LocalBucket:
    """A token bucket of this process alone."""

    __slots__ = ("_at", "_limit", "_rate", "_tokens")

    def __init__(self, limit: int, rate: float, now: float) -> None:
        self._limit = limit
        self._rate = rate
        self._tokens = float(limit)
        self._at = now

    def take(self, wanted: int, now: float) -> Grant:
        """Up to `wanted` tokens."""
        self._tokens = min(self._limit, self._tokens + (now - self._at) * self._rate)
        self._at = now
        granted = min(wanted, int(self._tokens))
        self._tokens -= granted
        return Grant(granted, int(self._tokens), 0.0 if granted else (1 - self._tokens) / self._rate)


class LeasedBuckets:
    """Leases tokens from Redis in batches, in a task of its own.

    While Redis is away each gateway keeps to the quotas alone, `LIMITS_ARE_LOCAL` is 1, and the log says it once.
    """

    def __init__(self, redis: Redis, clock: Callable[[], float]) -> None:
        self._redis = redis
        self._clock = clock
        self._asking: dict[Account, None] = {}
        self._wake = asyncio.Event()
        self._away_until = 0.0
        self._is_away = False
        self._local: dict[tuple[str, str], LocalBucket] = {}

    def ask(self, account: Account) -> None:
        """Put the account into the next round trip."""
        self._asking[account] = None
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve `ask` until stopped."""
        stopping = asyncio.create_task(stop.wait())
        # Woken rather than cancelled: a round trip under way may swallow a cancellation.
        stopping.add_done_callback(lambda _: self._wake.set())
        try:
            while not stop.is_set():
                await self._wake.wait()
                await self._serve_batch()
        finally:
            stopping.cancel()

    async def _serve_batch(self) -> None:
        batch = list(self._asking)[:_LARGEST_BATCH]
        for account in batch:
            del self._asking[account]
        if not self._asking:
            self._wake.clear()
        if batch:
            await self._lease(batch)

    async def _lease(self, batch: list[Account]) -> None:
        if self._clock() >= self._away_until:
            try:
                async with asyncio.timeout(_TIMEOUT):
                    grants = await self._ask_redis(batch)
            except (RedisError, OSError, TimeoutError) as error:
                self._go_away(error)
            else:
                self._come_back()
                self._hand_out(batch, grants)
                return
        now = self._clock()
        self._hand_out(batch, [self._bucket(account, now).take(account.wanted(), now) for account in batch])

    async def _ask_redis(self, batch: list[Account]) -> list[Grant]:
        pipeline = self._redis.pipeline(transaction=False)
        for account in batch:
            quota = account.quota
            key = f"gateway:limit:{quota.name}:{account.key}"
            pipeline.eval(_TAKE, 1, key, str(quota.limit), repr(quota.per_second), str(account.wanted()))
        answers = await pipeline.execute()
        return [Grant(int(tokens), int(left), int(wait) / 1000) for tokens, left, wait in answers]

    def _hand_out(self, batch: list[Account], grants: list[Grant]) -> None:
        now = self._clock()
        for account, grant in zip(batch, grants, strict=True):
            if account.receive(grant, now):
                self.ask(account)

    def _bucket(self, account: Account, now: float) -> LocalBucket:
        quota = account.quota
        key = (quota.name, account.key)
        if key not in self._local:
            if len(self._local) >= _REMEMBERED_BUCKETS:
                del self._local[next(iter(self._local))]
            self._local[key] = LocalBucket(quota.limit, quota.per_second, now)
        return self._local[key]

    def _go_away(self, error: Exception) -> None:
        self._away_until = self._clock() + _RETRY_AFTER
        if not self._is_away:
            self._is_away = True
            LIMITS_ARE_LOCAL.set(1)
            log.warning("Redis does not answer (%s): this gateway keeps to the rate limits alone", type(error).__name__)

    def _come_back(self) -> None:
        if self._is_away:
            self._is_away = False
            LIMITS_ARE_LOCAL.set(0)
            self._local.clear()
            log.info("Redis answers again: rate limits are shared")
