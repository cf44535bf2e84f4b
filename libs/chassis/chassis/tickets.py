"""Tickets for WebSockets: a browser cannot send a header with them, and a token must not stand in a URL.

A ticket stands for an access token, works once and within seconds. Only its hash is kept, in Redis, with the token sealed.
"""

import hashlib
import secrets
from datetime import timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chassis.errors import Unauthorized, Unavailable
from chassis.identity import Principal, TokenVerifier
from chassis.sealing import KeyRing, SealBroken

LIFE = timedelta(seconds=30)
_LONGEST = 64


class TicketRefused(Unauthorized):
    type, title = "ticket-refused", "The ticket is not good"


class TicketsAway(Unavailable):
    type, title = "tickets-away", "No sockets can be opened right now"


class Tickets:
    """Issued by one service, redeemed by any that has the same Redis and key ring."""

    def __init__(self, redis: Redis, ring: KeyRing, verifier: TokenVerifier, *, life: timedelta = LIFE) -> None:
        self.life = life
        self._redis = redis
        self._ring = ring
        self._verifier = verifier

    async def issue(self, token: str) -> str:
        """A ticket for an access token that was verified. Raises `TicketsAway`."""
        ticket = secrets.token_urlsafe(32)
        try:
            await self._redis.set(_key(ticket), self._ring.seal(token), px=self.life)
        except RedisError as error:
            raise _away() from error
        return ticket

    async def redeem(self, ticket: str) -> Principal:
        """Whose ticket it was, once: the token behind it is verified again. Raises `Unauthorized`, `TicketsAway`."""
        if len(ticket) > _LONGEST:
            raise _refused()
        try:
            sealed = await self._redis.getdel(_key(ticket))
        except RedisError as error:
            raise _away() from error
        if sealed is None:
            raise _refused()
        try:
            token = self._ring.open(sealed.decode() if isinstance(sealed, bytes) else str(sealed))
        except SealBroken as error:
            raise _refused() from error
        return await self._verifier.verify(token)


def _key(ticket: str) -> str:
    return f"ticket:{hashlib.sha256(ticket.encode(errors='replace')).hexdigest()}"


def _refused() -> TicketRefused:
    return TicketRefused(
        "The ticket was used, has expired or never was. Ask for a new one: POST /ws/ticket with an access token."
    )


def _away() -> TicketsAway:
    return TicketsAway("Redis, which keeps the tickets, does not answer. Try again in a moment.")
