"""Quotas: how requests are counted, what a caller is told, and what happens while Redis is away."""

import asyncio
import math
import re
import time

import httpx
import pytest
from devstack.servers import Redis as RedisServer
from gateway.leases import LeasedBuckets, LocalBucket
from gateway.limits import Account, Grant, Meter, Quota, Standing
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from .fakes import Json, Running, running, until

AUTH = "/api/v1/auth/login"


def test_a_quota_is_leased_in_blocks_of_a_twentieth() -> None:
    assert [Quota("x", limit, 60).block for limit in (1, 19, 60, 600, 10**6)] == [1, 1, 3, 30, 500]


@given(
    limit=st.integers(1, 50),
    window=st.floats(1, 60),
    steps=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 10)), max_size=60),
)
def test_a_bucket_never_gives_more_than_its_quota_and_what_came_back(
    limit: int, window: float, steps: list[tuple[float, int]]
) -> None:
    rate, now, given_out = limit / window, 0.0, 0
    bucket = LocalBucket(limit, rate, now)
    for pause, wanted in steps:
        now += pause
        grant = bucket.take(wanted, now)
        given_out += grant.tokens
        assert given_out <= limit + now * rate + 1e-6
        assert grant.tokens <= wanted
        if grant.tokens == 0:
            assert bucket.take(1, now + grant.wait + 1e-6).tokens == 1, "the wait is long enough"
            given_out += 1
            now += grant.wait + 1e-6


def test_what_is_left_is_never_told_to_be_more_than_the_quota() -> None:
    account = Account(Quota("general", 600, 60), "ada")
    account.receive(Grant(30, 570, 0), now=0)
    account.receive(Grant(30, 570, 0), now=5)  # asked ahead, when the bucket was full again

    standing = account.spend(now=5)

    assert standing is not None
    assert b'"general";r=600;t=0' in standing.line


async def test_who_asks_while_a_block_is_on_its_way_is_not_refused_what_the_bucket_has(redis_url: str) -> None:
    redis: Redis = Redis.from_url(redis_url)
    buckets = LeasedBuckets(redis, time.monotonic)
    meter = Meter(Quota("ai", 30, 60), buckets)
    stop = asyncio.Event()
    serving = asyncio.create_task(buckets.run(stop))
    first = meter.charge("ada", time.monotonic())
    account = meter._accounts["ada"]
    await until(lambda: account not in buckets._asking)  # its block is on its way
    others = [meter.charge("ada", time.monotonic()) for _ in range(3)]
    standings = [await asyncio.wait_for(one, 5) for one in (first, *others) if isinstance(one, asyncio.Future)]
    stop.set()
    buckets._wake.set()
    await serving
    await redis.aclose()
    assert [standing.wait for standing in standings] == [0, 0, 0, 0]


async def test_whoever_waits_for_tokens_gets_them_in_turn_and_the_rest_are_refused() -> None:
    class Buckets:
        def __init__(self) -> None:
            self.asked: list[Account] = []

        def ask(self, account: Account) -> None:
            self.asked.append(account)

    buckets = Buckets()
    meter = Meter(Quota("x", 10, 10), buckets)
    waiting = [meter.charge("ada", 0.0) for _ in range(5)]
    (account,) = buckets.asked
    assert account.wanted() == 5
    account.receive(Grant(3, 0, 0.0), 0.0)
    standings = [await future for future in waiting if isinstance(future, asyncio.Future)]
    assert [standing.wait > 0 for standing in standings] == [False, False, False, True, True]
    account.receive(Grant(0, 0, 2.5), 1.0)
    refused = meter.charge("ada", 1.5)
    assert isinstance(refused, Standing)
    assert refused.wait == 2.0
    assert isinstance(meter.charge("ada", 3.6), asyncio.Future)


async def test_a_limited_caller_is_told_when_to_come_back(redis_url: str) -> None:
    async with running(redis_url, limit_general=3) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        headers = gateway.bearer()
        for remaining in (2, 1, 0):
            allowed = await http.get("/api/v1/things", headers=headers)
            assert allowed.status_code == 200
            assert re.fullmatch(rf'"general";r={remaining};t=\d+', allowed.headers["ratelimit"])
            assert allowed.headers["ratelimit-policy"] == '"general";q=3;w=60'
        refused = await http.get("/api/v1/things", headers=headers)
        assert refused.status_code == 429
        document = refused.json()
        assert refused.headers["content-type"] == "application/problem+json"
        assert document["type"] == "urn:studyteddy:problem:too-many-requests"
        assert document["violated-policies"] == ["general"]
        seconds = int(refused.headers["retry-after"])
        assert 15 <= seconds <= 20, "the next of three a minute"
        assert refused.headers["ratelimit"] == f'"general";r=0;t={seconds}'
        assert str(seconds) in document["detail"]
        assert (await http.get("/api/v1/things", headers=gateway.bearer())).status_code == 200, "another user"
        assert len(gateway.service.seen) == 4


async def test_general_ai_and_auth_are_counted_apart(redis_url: str) -> None:
    limits: Json = {"limit_general": 2, "limit_ai": 1, "limit_auth": 1, "limit_auth_address": 1}
    async with running(redis_url, **limits) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        headers = gateway.bearer()

        async def ask(method: str, path: str) -> tuple[int, str]:
            answer = await http.request(method, path, headers=headers)
            return answer.status_code, answer.headers["ratelimit"].split(";")[0]

        assert await ask("POST", "/api/v1/ask") == (200, '"ai"')
        assert await ask("POST", "/api/v1/ask") == (429, '"ai"')
        assert await ask("POST", AUTH) == (200, '"auth-address"')
        assert await ask("POST", AUTH) == (429, '"auth-address"')
        assert await ask("GET", "/api/v1/things") == (200, '"general"')
        assert await ask("GET", "/api/v1/things") == (200, '"general"')
        assert await ask("GET", "/api/v1/things") == (429, '"general"')


async def test_an_address_is_limited_whoever_asks_and_forged_tokens_count(redis_url: str) -> None:
    limits: Json = {"limit_general_address": 4, "trusted_proxies": ("127.0.0.0/8",)}
    async with running(redis_url, **limits) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        near = {"X-Forwarded-For": "198.51.100.1"}
        for _ in range(2):
            assert (await http.get("/api/v1/things", headers=near | gateway.bearer())).status_code == 200
            assert (await http.get("/api/v1/things", headers=near)).status_code == 401
        assert (await http.get("/api/v1/things", headers=near | gateway.bearer())).status_code == 429
        far = {"X-Forwarded-For": "198.51.100.2"}
        assert (await http.get("/api/v1/things", headers=far | gateway.bearer())).status_code == 200


async def test_two_gateways_share_a_quota(redis_url: str) -> None:
    async with (
        running(redis_url, limit_general=100) as one,
        running(redis_url, limit_general=100) as two,
        httpx.AsyncClient() as http,
    ):
        two.auth.keys[:] = one.auth.keys
        await two.gateway.edge.verdicts._verifier.refresh()
        headers, started = one.bearer(), time.monotonic()
        urls = [f"{gateway.url}/api/v1/things" for gateway in (one, two)] * 80
        statuses = [(await http.get(url, headers=headers)).status_code for url in urls]
        came_back = math.ceil((time.monotonic() - started) * 100 / 60)
        assert set(statuses) == {200, 429}
        block = Quota("", 100, 60).block
        assert 100 - 2 * block <= statuses.count(200) <= 100 + came_back


async def test_redis_is_not_asked_at_every_request(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask_redis = LeasedBuckets._ask_redis

    async def counting(buckets: LeasedBuckets, batch: list[Account]) -> list[Grant]:
        asked.extend(account.quota.name for account in batch)
        return await ask_redis(buckets, batch)

    monkeypatch.setattr(LeasedBuckets, "_ask_redis", counting)
    async with running(redis_url, limit_general=1000) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        headers = gateway.bearer()
        for _ in range(200):
            assert (await http.get("/api/v1/things", headers=headers)).status_code == 200
    assert 200 / 50 <= asked.count("general") <= 200 / 50 + 5
    assert asked.count("general-address") <= 3


async def test_accounts_of_whom_nobody_hears_are_forgotten(gateway: Running) -> None:
    meter = gateway.gateway.edge.user_meters["general"]
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        await http.get("/api/v1/things", headers=gateway.bearer())
    now = gateway.gateway.edge.clock()
    meter.sweep(now)
    assert len(meter._accounts) == 1
    meter.sweep(now + 60)
    assert len(meter._accounts) == 0


async def test_the_number_of_accounts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.limits._REMEMBERED_KEYS", 3)
    monkeypatch.setattr("gateway.leases._REMEMBERED_BUCKETS", 3)
    away = Redis.from_url("redis://127.0.0.1:1/0")
    buckets = LeasedBuckets(away, time.monotonic)
    meter = Meter(Quota("x", 10, 60), buckets)
    stop = asyncio.Event()
    serving = asyncio.create_task(buckets.run(stop))
    for key in "abcdef":
        outcome = meter.charge(key, time.monotonic())
        assert isinstance(outcome, asyncio.Future)
        assert (await outcome).remaining == 9
    assert len(meter._accounts) == len(buckets._local) == 3
    stop.set()
    await serving
    await away.aclose()


@pytest.mark.faults
async def test_while_redis_is_away_each_gateway_limits_alone(redis_url: str, redis: RedisServer) -> None:
    async with running(redis_url, limit_general=5) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:

        async def statuses(count: int, headers: dict[str, str]) -> list[int]:
            return [(await http.get("/api/v1/things", headers=headers)).status_code for _ in range(count)]

        assert await statuses(1, gateway.bearer()) == [200]
        await asyncio.to_thread(redis.freeze)
        started = time.monotonic()
        assert await statuses(7, gateway.bearer()) == [200] * 5 + [429] * 2
        assert time.monotonic() - started < 3
        assert REGISTRY.get_sample_value("gateway_rate_limits_local") == 1
        await asyncio.to_thread(redis.thaw)
        back = gateway.bearer()
        deadline = time.monotonic() + 5
        while REGISTRY.get_sample_value("gateway_rate_limits_local") == 1:
            assert time.monotonic() < deadline
            await statuses(1, gateway.bearer())
        assert await statuses(6, back) == [200] * 5 + [429]
        await until(lambda: not gateway.gateway.buckets._local)
