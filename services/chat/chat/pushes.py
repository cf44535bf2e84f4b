"""What every process with sockets hears of the mesh."""

from contracts.auth import SessionRevoked
from mesh import Subscriptions

from chat.graphql.sockets import OpenSockets

bus = Subscriptions("chat")


@bus.broadcast(SessionRevoked)
async def end_sockets_of_session(event: SessionRevoked, sockets: OpenSockets) -> None:
    """The session's sockets end with it. What was missed ends with its token, minutes later."""
    sockets.end_session(event.session_id, event.tokens_expire_at)
