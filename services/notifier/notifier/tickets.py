"""Tickets for WebSockets: a browser cannot send a token in a header there, and in a URL it would end up in logs.

A ticket is good for one socket and for a short while. Redis keeps a hash of it, with whose it is.
"""

import hashlib
import json
import secrets
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from chassis.errors import Unauthorized, Unavailable
from redis.asyncio import Redis
from redis.exceptions import RedisError

T = TypeVar("T")


class TicketRefused(Unauthorized):
    type, title = "ticket-refused", "The ticket is not good"


class TicketsAway(Unavailable):
    type, title = "tickets-away", "No sockets can be opened right now"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose ticket it is. The socket ends with the session."""

    user_id: UUID
    session_id: UUID


class Tickets:
    """Issues tickets, and takes each once."""

    def __init__(self, redis: Redis, life: timedelta) -> None:
        self._redis = redis
        self.life = life

    async def issue(self, holder: Holder) -> str:
        """A new ticket; raises `TicketsAway`."""
        ticket = secrets.token_urlsafe(24)
        about = json.dumps([str(holder.user_id), str(holder.session_id)])
        await _asked(self._redis.set(_key(ticket), about, px=self.life))
        return ticket

    async def redeem(self, ticket: str) -> Holder:
        """Whose ticket it was: it is worth nothing from now on. Raises `TicketRefused` or `TicketsAway`."""
        about = await _asked(self._redis.getdel(_key(ticket)))
        if about is None:
            raise TicketRefused(
                "The ticket was used, has expired or never was. Ask for a new one: POST /ws/ticket with an access token."
            )
        user_id, session_id = json.loads(about)
        return Holder(UUID(user_id), UUID(session_id))


def _key(ticket: str) -> str:
    return f"notifier:ticket:{hashlib.sha256(ticket.encode(errors='replace')).hexdigest()}"


async def _asked(question: Awaitable[T]) -> T:
    try:
        return await question
    except (RedisError, OSError, TimeoutError) as error:
        raise TicketsAway("Redis, which keeps the tickets, does not answer. Try again in a moment.") from error
