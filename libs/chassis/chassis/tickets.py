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

LIFETIME = timedelta(seconds=30)
_LONGEST = 64


class Tickets:
    """Issued by one service, redeemed by any that has the same Redis and key ring."""

    def __init__(self, redis: Redis, ring: KeyRing, verifier: TokenVerifier) -> None:
        self._redis = redis
        self._ring = ring
        self._verifier = verifier

    async def issue(self, token: str) -> str:
        """A ticket for an access token that was verified. Raises `Unavailable`."""
        ticket = secrets.token_urlsafe(32)
        try:
            await self._redis.set(_key(ticket), self._ring.seal(token), px=LIFETIME)
        except RedisError as error:
            raise _away() from error
        return ticket

    async def redeem(self, ticket: str) -> Principal:
        """Whose ticket it is, once: the token behind it is verified again. Raises `Unauthorized`, `Unavailable`."""
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


def _refused() -> Unauthorized:
    return Unauthorized("The ticket is not valid, was used, or is too old. POST /api/v1/ws/ticket gives a new one.")


def _away() -> Unavailable:
    return Unavailable("Tickets cannot be checked right now. Try again in a moment.", retry_after=1)
