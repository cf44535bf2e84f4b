"""Limits on attempts: one behaviour of both ledgers, and of the two together when Redis is away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from auth.attempts import Attempts, TooManyAttempts, network_of
from auth.ledgers import Bucket, Ledger, Limit, LocalLedger, RedisLedger, Refused, SturdyLedger
from devstack.waiting import until
from redis.asyncio import Redis

from .auth_service import TestClock

WIDE = Limit("wide", burst=3, per=timedelta(hours=1))
NARROW = Limit("narrow", burst=1, per=timedelta(hours=2))
QUICK = Limit("quick", burst=2, per=timedelta(milliseconds=40))


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url, decode_responses=True)
    yield client
    await client.aclose()


@pytest.fixture(params=["local", "redis"])
async def ledger(request: pytest.FixtureRequest, redis_client: Redis) -> Ledger:
    return LocalLedger() if request.param == "local" else RedisLedger(redis_client)


class TestBothLedgers:
    async def test_a_bucket_gives_its_burst_and_says_how_long_to_wait(self, ledger: Ledger) -> None:
        bucket = Bucket(WIDE, "a")
        assert [await ledger.take([bucket]) for _ in range(3)] == [None] * 3
        refused = await ledger.take([bucket])
        assert refused is not None
        assert refused.bucket == bucket
        assert timedelta(minutes=59) < refused.wait <= timedelta(hours=1)

    async def test_buckets_of_others_are_untouched(self, ledger: Ledger) -> None:
        for _ in range(4):
            await ledger.take([Bucket(WIDE, "a")])
        assert await ledger.take([Bucket(WIDE, "b")]) is None

    async def test_trying_on_does_not_make_the_wait_longer(self, ledger: Ledger) -> None:
        bucket = Bucket(NARROW, "a")
        await ledger.take([bucket])
        waits = [refused.wait for _ in range(50) if (refused := await ledger.take([bucket]))]
        assert len(waits) == 50
        assert max(waits) <= timedelta(hours=2)

    async def test_a_bucket_fills_with_time(self, ledger: Ledger) -> None:
        bucket = Bucket(QUICK, "a")
        while await ledger.take([bucket]) is None:
            pass

        async def given() -> bool:
            return await ledger.take([bucket]) is None

        await until(given)

    async def test_all_buckets_give_or_none(self, ledger: Ledger) -> None:
        wide, narrow = Bucket(WIDE, "a"), Bucket(NARROW, "a")
        assert await ledger.take([wide, narrow]) is None
        refused = await ledger.take([wide, narrow])
        assert refused is not None
        assert refused.bucket == narrow
        assert [await ledger.take([wide]) for _ in range(2)] == [None, None]
        longest = await ledger.take([wide, narrow])
        assert longest is not None
        assert longest.bucket == narrow

    async def test_what_is_given_back_can_be_taken_again(self, ledger: Ledger) -> None:
        bucket = Bucket(NARROW, "a")
        await ledger.take([bucket])
        await ledger.give_back([bucket, Bucket(WIDE, "never used")])
        assert await ledger.take([bucket]) is None
        assert await ledger.take([bucket]) is not None

    async def test_giving_back_more_than_was_taken_gains_nothing(self, ledger: Ledger) -> None:
        bucket = Bucket(WIDE, "a")
        await ledger.take([bucket])
        for _ in range(10):
            await ledger.give_back([bucket])
        assert [await ledger.take([bucket]) is None for _ in range(4)] == [True, True, True, False]

    async def test_a_cleared_bucket_is_full(self, ledger: Ledger) -> None:
        bucket = Bucket(NARROW, "a")
        await ledger.take([bucket])
        await ledger.clear(bucket)
        assert await ledger.take([bucket]) is None

    async def test_many_at_once_take_no_more_than_there_is(self, ledger: Ledger) -> None:
        answers = await asyncio.gather(*(ledger.take([Bucket(WIDE, "a")]) for _ in range(50)))
        assert answers.count(None) == 3


async def test_processes_share_the_counts_of_redis(redis_url: str) -> None:
    clients = [Redis.from_url(redis_url, decode_responses=True) for _ in range(2)]
    ledgers = [RedisLedger(client) for client in clients]
    taken = [await ledgers[turn % 2].take([Bucket(WIDE, "a")]) for turn in range(4)]
    assert [refused is None for refused in taken] == [True, True, True, False]
    for client in clients:
        await client.aclose()


async def test_redis_forgets_full_buckets_by_itself(redis_client: Redis) -> None:
    await RedisLedger(redis_client).take([Bucket(WIDE, "a")])
    assert 3_590_000 < await redis_client.pttl("auth:attempts:wide:a") <= 3_600_000


async def test_a_local_ledger_stays_small() -> None:
    ledger = LocalLedger(size=10)
    for number in range(100):
        await ledger.take([Bucket(NARROW, str(number))])
    assert await ledger.take([Bucket(NARROW, "99")]) is not None
    assert await ledger.take([Bucket(NARROW, "0")]) is None


class Broken:
    """A ledger whose store is away, and that counts how often it was asked."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.asked = 0

    async def _fail(self) -> None:
        self.asked += 1
        if self.error is None:
            await asyncio.Event().wait()
        else:
            raise self.error

    async def take(self, buckets: Sequence[Bucket]) -> Refused | None:
        await self._fail()
        return None

    async def give_back(self, buckets: Sequence[Bucket]) -> None:
        await self._fail()

    async def clear(self, bucket: Bucket) -> None:
        await self._fail()


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError(), None])
async def test_without_redis_this_process_counts(error: Exception | None, clock: TestClock) -> None:
    shared = Broken(error)
    ledger = SturdyLedger(shared, LocalLedger(clock), clock=clock, patience=timedelta(milliseconds=20))
    bucket = Bucket(WIDE, "a")
    assert [await ledger.take([bucket]) is None for _ in range(4)] == [True, True, True, False]
    await ledger.give_back([bucket])
    await ledger.clear(bucket)
    assert shared.asked == 1  # and then not for a while: nobody waits for a time-out each time
    clock.forward(seconds=5)
    assert await ledger.take([bucket]) is None
    assert shared.asked == 2


async def test_a_real_redis_that_is_not_there_locks_nobody_out(clock: TestClock) -> None:
    client = Redis.from_url("redis://127.0.0.1:1/0", decode_responses=True)
    attempts = Attempts(SturdyLedger(RedisLedger(client), LocalLedger(clock), clock=clock))

    async def unfamiliar() -> bool:
        return False

    for _ in range(5):
        await attempts.sign_in("ada@example.org", "203.0.113.7", unfamiliar)
    with pytest.raises(TooManyAttempts):
        await attempts.sign_in("ada@example.org", "203.0.113.7", unfamiliar)
    await client.aclose()


@pytest.mark.faults
async def test_a_redis_that_freezes_and_comes_back(redis: object, redis_url: str) -> None:
    client = Redis.from_url(redis_url, decode_responses=True, socket_timeout=0.2)
    ledger = SturdyLedger(RedisLedger(client), LocalLedger(), pause=timedelta(milliseconds=100))
    bucket = Bucket(WIDE, "a")
    assert await ledger.take([bucket]) is None
    redis.freeze()  # type: ignore[attr-defined]  # devstack's handle
    assert [await ledger.take([bucket]) is None for _ in range(4)] == [True, True, True, False]
    redis.thaw()  # type: ignore[attr-defined]

    async def counted_in_redis() -> bool:
        await ledger.take([Bucket(WIDE, "b")])
        return bool(await client.exists("auth:attempts:wide:b"))

    await until(counted_in_redis)
    await client.aclose()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", "unknown"),
        ("203.0.113.7, 10.0.0.1", "unknown"),
        ("x" * 10_000, "unknown"),
    ],
)
def test_a_subscriber_is_an_address_or_a_network(address: str, network: str) -> None:
    assert network_of(address) == network


async def test_the_store_does_not_learn_who_has_an_account(redis_client: Redis) -> None:
    async def unfamiliar() -> bool:
        return False

    await Attempts(RedisLedger(redis_client)).sign_in("ada@example.org", "203.0.113.7", unfamiliar)
    assert not [key for key in await redis_client.keys("*") if "ada" in key]
