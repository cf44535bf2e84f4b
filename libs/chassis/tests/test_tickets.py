"""A ticket stands for a token: once, for seconds, and never in clear."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from chassis.errors import Unauthorized
from chassis.identity import TokenVerifier
from chassis.sealing import KeyRing
from chassis.settings import DEVELOPMENT_KEY_RING
from chassis.tickets import LIFE, TicketRefused, Tickets, TicketsAway
from redis.asyncio import Redis

from .signing import SESSION, USER, Keys, StillClock, claims, new_key

ONE = new_key("one")
RING = KeyRing(DEVELOPMENT_KEY_RING.get_secret_value())


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture
def tickets(redis: Redis, clock: StillClock) -> Tickets:
    return Tickets(redis, RING, TokenVerifier(Keys(ONE), clock=clock))


async def test_ticket_is_redeemed_once_even_by_two_at_the_same_moment(tickets: Tickets) -> None:
    token = ONE.sign(claims())
    ticket = await tickets.issue(token)
    outcomes = await asyncio.gather(*(tickets.redeem(ticket) for _ in range(5)), return_exceptions=True)
    (principal,) = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert (principal.user_id, principal.session_id, principal.token) == (USER, SESSION, token)
    assert sum(isinstance(outcome, Unauthorized) for outcome in outcomes) == 4


async def test_ticket_does_not_outlive_its_seconds_nor_its_token(
    tickets: Tickets, redis: Redis, clock: StillClock
) -> None:
    ticket = await tickets.issue(ONE.sign(claims()))
    (key,) = await redis.keys("ticket:*")
    assert 0 < await redis.pttl(key) <= LIFE.total_seconds() * 1000
    clock.forward(minutes=15)
    with pytest.raises(Unauthorized):
        await tickets.redeem(ticket)


async def test_neither_ticket_nor_token_can_be_read_in_redis(tickets: Tickets, redis: Redis) -> None:
    token = ONE.sign(claims())
    ticket = await tickets.issue(token)
    (key,) = await redis.keys("ticket:*")
    assert ticket.encode() not in key
    kept = await redis.get(key)
    assert isinstance(kept, bytes)
    assert token.encode() not in kept


@pytest.mark.parametrize("ticket", ["", "nobody's", "x" * 100_000, "\ud800"])
async def test_what_is_no_ticket_is_refused(tickets: Tickets, ticket: str) -> None:
    with pytest.raises(TicketRefused):
        await tickets.redeem(ticket)


async def test_ticket_that_another_ring_sealed_is_refused(tickets: Tickets, redis: Redis, clock: StillClock) -> None:
    other = Tickets(redis, KeyRing("9:" + "B" * 43 + "="), TokenVerifier(Keys(ONE), clock=clock))
    with pytest.raises(TicketRefused):
        await tickets.redeem(await other.issue(ONE.sign(claims())))


async def test_without_redis_there_are_no_tickets_and_a_sentence(clock: StillClock) -> None:
    async with Redis.from_url("redis://127.0.0.1:9") as nowhere:
        tickets = Tickets(nowhere, RING, TokenVerifier(Keys(ONE), clock=clock))
        with pytest.raises(TicketsAway):
            await tickets.issue(ONE.sign(claims()))
        with pytest.raises(TicketsAway):
            await tickets.redeem("any")
