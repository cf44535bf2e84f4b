"""How much one user or one address may ask, and how that is counted without asking Redis at every request.

A quota is a token bucket in Redis, which all gateways share. A gateway leases tokens from it in blocks and spends them
locally; the next block is fetched behind the scenes before the last is spent. Only the first request of a caller, and one
that has overtaken its block, waits for Redis. Tokens that a lease still holds when it ends are lost to the caller: a
twentieth of the quota at most, and only after a pause.
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from chassis.errors import TooManyRequests

LARGEST_BLOCK = 500
_LEASE_SHARE = 6  # a lease lasts this part of the window
_REMEMBERED_KEYS = 100_000


@dataclass(frozen=True)
class Quota:
    """`limit` requests in `window` seconds, all of them at once if need be. The name stands in headers and in Redis."""

    name: str
    limit: int
    window: float

    @cached_property
    def block(self) -> int:
        """Tokens that are leased at once. Small quotas are counted one by one."""
        return max(1, min(LARGEST_BLOCK, self.limit // 20))

    @cached_property
    def per_second(self) -> float:
        """Tokens that come back each second."""
        return self.limit / self.window

    def line(self, remaining: int, wait: float = 0.0) -> bytes:
        """Quota and standing as header lines, draft-ietf-httpapi-ratelimit-headers-11."""
        # A lease and what came back to the bucket meanwhile may together be more than the quota.
        remaining = min(remaining, self.limit)
        seconds = wait or (self.limit - remaining) / self.per_second
        return self._line % (remaining, seconds + 0.999)

    @cached_property
    def _line(self) -> bytes:
        name = self.name.encode()
        policy = b'ratelimit-policy: "%b";q=%d;w=%d\r\n' % (name, self.limit, math.ceil(self.window))
        return b'ratelimit: "%b";r=%%d;t=%%d\r\n%b' % (name, policy)


@dataclass(slots=True)
class Standing:
    """Where a caller stands after a request: `remaining` requests, or `wait` seconds until the next."""

    quota: Quota
    remaining: int
    wait: float = 0.0

    @property
    def line(self) -> bytes:
        """Quota and standing as header lines."""
        return self.quota.line(self.remaining, self.wait)

    def refusal(self) -> TooManyRequests:
        """What to tell a caller that must wait."""
        seconds = max(1, math.ceil(self.wait))
        quota = self.quota
        return TooManyRequests(
            f"At most {quota.limit} such requests are answered in {quota.window:g} seconds. Try again in {seconds} s.",
            retry_after=seconds,
            **{"violated-policies": [quota.name]},
        )


@dataclass(frozen=True, slots=True)
class Grant:
    """What a bucket gave. `left` tokens are still in it; `wait` seconds until the next where it gave none."""

    tokens: int
    left: int
    wait: float


class Account:
    """One caller's tokens under one quota, in this gateway."""

    __slots__ = ("asked", "dry_until", "ends", "key", "left", "quota", "tokens", "waiting")

    def __init__(self, quota: Quota, key: str) -> None:
        self.quota = quota
        self.key = key
        self.tokens = 0
        self.left = 0
        self.ends = 0.0
        self.dry_until = 0.0
        self.asked = False
        self.waiting: deque[asyncio.Future[Standing]] = deque()

    def spend(self, now: float) -> Standing | None:
        """Take a token of the lease, or refuse while the bucket is known to be empty; None where Redis must be asked."""
        if self.tokens > 0 and now < self.ends:
            self.tokens -= 1
            return Standing(self.quota, self.tokens + self.left)
        self.tokens = 0
        if now < self.dry_until:
            return Standing(self.quota, 0, self.dry_until - now)
        return None

    def wanted(self) -> int:
        """Tokens to ask for."""
        return max(self.quota.block, len(self.waiting))

    def receive(self, grant: Grant, now: float) -> bool:
        """Book what the bucket gave, and answer those who wait; whether some came meanwhile for whom it has more."""
        self.tokens += grant.tokens
        self.left = grant.left
        if grant.tokens:
            self.ends = now + self.quota.window / _LEASE_SHARE
            self.dry_until = 0.0
        else:
            self.dry_until = now + grant.wait
        while self.waiting:
            if self.waiting[0].done():
                self.waiting.popleft()
                continue
            standing = self.spend(now)
            if standing is None and grant.left > 0:
                break
            # Where more came meanwhile than the bucket had, they may try again when it has the next token.
            self.waiting.popleft().set_result(standing or Standing(self.quota, 0, 1 / self.quota.per_second))
        self.asked = bool(self.waiting)
        return self.asked

    def is_idle(self, now: float) -> bool:
        """Whether nothing would be lost by forgetting it."""
        return not self.waiting and now >= self.ends and now >= self.dry_until


class Buckets(Protocol):
    """Where tokens are leased from."""

    def ask(self, account: Account) -> None:
        """Fetch tokens for the account soon, and let it `receive` them."""
        ...


class Meter:
    """Charges requests under one quota. `now` is monotonic seconds."""

    def __init__(self, quota: Quota, buckets: Buckets) -> None:
        self.quota = quota
        self._buckets = buckets
        self._accounts: dict[str, Account] = {}
        # Small blocks are not fetched ahead: there is nothing to be ahead of.
        self._low = quota.block // 2 if quota.block > 1 else -1

    def spend(self, key: str, now: float) -> int | None:
        """Take one token of the caller's lease: how many are left to the caller, or None where `charge` must look further."""
        account = self._accounts.get(key)
        if account is None or account.tokens <= 0 or now >= account.ends:
            return None
        account.tokens = tokens = account.tokens - 1
        if tokens <= self._low and account.left:
            self._ask(account)
        return tokens + account.left

    def charge(self, key: str, now: float) -> Standing | asyncio.Future[Standing]:
        """Take one token of the caller's; a future where Redis must be asked first (it is answered in bounded time)."""
        account = self._accounts.get(key)
        if account is None:
            account = self._open(key)
        standing = account.spend(now)
        if standing is None:
            future: asyncio.Future[Standing] = asyncio.get_running_loop().create_future()
            account.waiting.append(future)
            self._ask(account)
            return future
        return standing

    def sweep(self, now: float) -> None:
        """Forget accounts that nobody uses."""
        for key in [key for key, account in self._accounts.items() if account.is_idle(now)]:
            del self._accounts[key]

    def _ask(self, account: Account) -> None:
        if not account.asked:
            account.asked = True
            self._buckets.ask(account)

    def _open(self, key: str) -> Account:
        if len(self._accounts) >= _REMEMBERED_KEYS:
            # The oldest; who waits in it goes on waiting, for the buckets know the account itself.
            del self._accounts[next(iter(self._accounts))]
        account = self._accounts[key] = Account(self.quota, key)
        return account
