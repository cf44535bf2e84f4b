"""What every process with sockets hears of the mesh."""

from chassis.revoked_sessions import RevokedSessions
from contracts.auth import SessionRevoked
from mesh import Subscriptions

from chat.graphql.sockets import OpenSockets

bus = Subscriptions("chat")


async def end_sockets_of_listed(revoked: RevokedSessions, sockets: OpenSockets) -> None:
    """What was broadcast while this process did not listen."""
    for session in await revoked.read():
        sockets.end_session(session.session_id, session.tokens_expire_at)


@bus.broadcast(SessionRevoked, on_ready=end_sockets_of_listed)
async def end_sockets_of_session(event: SessionRevoked, sockets: OpenSockets) -> None:
    """The session's sockets end with it."""
    sockets.end_session(event.session_id, event.tokens_expire_at)
