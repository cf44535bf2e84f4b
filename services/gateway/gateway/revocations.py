"""Sessions that ended before their tokens did.

Auth broadcasts each; what was missed is read from auth before the gateway is ready, after each reconnection to the broker,
and every few seconds while the broker is away.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from logging import getLogger
from uuid import UUID

import httpx
from chassis.errors import Unauthorized
from chassis.revoked_sessions import RevokedSessions
from pydantic import ValidationError

from gateway.metrics import REVOCATIONS_AGE, REVOCATIONS_CONNECTED

log = getLogger(__name__)
_READ_EVERY = 5.0
_FIRST_READ_EVERY = 0.5
# A token's own expiry ends it; the entry stays a little longer, for clocks that disagree.
_KEEP_AFTER = 60.0


class Revocations:
    """The revoked sessions. `on_revoked` is told of each that is new; `clock` gives seconds since 1970."""

    def __init__(self, on_revoked: Callable[[UUID], None], clock: Callable[[], float]) -> None:
        self._on_revoked = on_revoked
        self._clock = clock
        self._until: dict[UUID, float] = {}
        self.loaded = False
        self.generation = 0
        """Changes with each new revocation: who asked before need not ask again until it does."""

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._until

    def refuse_ended(self, session_id: UUID) -> None:
        """Raise `Unauthorized` for a session that has ended."""
        if session_id in self:
            raise Unauthorized("This session has ended. Sign in again: POST /api/v1/auth/login.")

    def add(self, session_id: UUID, tokens_expire_at: datetime) -> None:
        """From now on the session's tokens are void."""
        is_new = session_id not in self._until
        self._until[session_id] = max(self._until.get(session_id, 0.0), tokens_expire_at.timestamp() + _KEEP_AFTER)
        if is_new:
            self.generation += 1
            self._on_revoked(session_id)

    def add_announced(self, header: bytes) -> None:
        """Take what auth says in an answer that it gives through this gateway, before anybody hears it from the broker.

        `<session id>;<seconds since 1970 at which its tokens expire>`, several separated by commas.
        """
        for entry in header.decode("latin-1").split(","):
            session_id, _, expires = entry.partition(";")
            with suppress(ValueError, OverflowError):
                self.add(UUID(session_id.strip()), datetime.fromtimestamp(float(expires), UTC))

    def sweep(self) -> None:
        """Forget sessions whose tokens have expired by themselves."""
        now = self._clock()
        for session_id in [key for key, until in self._until.items() if until <= now]:
            del self._until[session_id]


class RevocationReader:
    """Reads auth's list into `Revocations`."""

    def __init__(self, revocations: Revocations, listed: RevokedSessions) -> None:
        self._revocations = revocations
        self._listed = listed

    async def read(self) -> None:
        """Read it now; raises `httpx.HTTPError` or `ValueError`."""
        for entry in await self._listed.read():
            self._revocations.add(entry.session_id, entry.tokens_expire_at)
        if not self._revocations.loaded:
            log.info("the revocations are loaded")
        self._revocations.loaded = True
        REVOCATIONS_AGE.set_to_current_time()

    async def keep_reading(self, connected: Callable[[], bool], stop: asyncio.Event) -> None:
        """Read until it succeeds once, and then whenever the broker does not bring the news."""
        said = False
        while not stop.is_set():
            is_connected = connected()
            REVOCATIONS_CONNECTED.set(is_connected)
            if not (is_connected and self._revocations.loaded):
                try:
                    await self.read()
                    said = False
                except (httpx.HTTPError, ValidationError) as error:
                    log.log(10 if said else 30, "the revocations cannot be read from auth: %s", error)
                    said = True
            self._revocations.sweep()
            with suppress(TimeoutError):
                async with asyncio.timeout(_READ_EVERY if self._revocations.loaded else _FIRST_READ_EVERY):
                    await stop.wait()
