"""What every process with sockets hears of the mesh."""

import asyncio
from contextlib import suppress
from logging import getLogger

from chassis.revoked_sessions import RevokedSessions
from contracts.auth import SessionRevoked
from mesh import Subscriptions

from chat.graphql.sockets import OpenSockets

log = getLogger(__name__)
bus = Subscriptions("chat")
_AGAIN_SECONDS = 1.0


class MissedEnds:
    """Ends the sockets of sessions that ended while this process did not listen: auth lists them."""

    def __init__(self, revoked: RevokedSessions, sockets: OpenSockets) -> None:
        self._revoked = revoked
        self._sockets = sockets
        self._unread = asyncio.Event()

    def look(self) -> None:
        """Read the list soon."""
        self._unread.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. While auth is away it is asked again and again, and what is broadcast is heard meanwhile."""
        reading = asyncio.create_task(self._keep_reading())
        ending = asyncio.create_task(stop.wait())
        await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
        for task in (reading, ending):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await reading

    async def _keep_reading(self) -> None:
        while True:
            await self._unread.wait()
            self._unread.clear()
            try:
                for session in await self._revoked.read():
                    self._sockets.end_session(session.session_id, session.tokens_expire_at)
            except Exception as error:
                log.warning("the list of ended sessions cannot be read, and is asked for again: %s", error)
                self._unread.set()
                await asyncio.sleep(_AGAIN_SECONDS)


async def look_for_missed(missed: MissedEnds) -> None:
    """This process listens again. The list is not waited for: without auth nothing that is broadcast would be heard."""
    missed.look()


@bus.broadcast(SessionRevoked, on_ready=look_for_missed)
async def end_sockets_of_session(event: SessionRevoked, sockets: OpenSockets) -> None:
    """The session's sockets end with it."""
    sockets.end_session(event.session_id, event.tokens_expire_at)
