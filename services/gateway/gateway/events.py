"""What the gateway takes from the mesh."""

from contracts.auth import SessionRevoked
from mesh import Subscriptions

from gateway.revocations import RevocationReader, Revocations

bus = Subscriptions("gateway")


async def read_revocations(reader: RevocationReader) -> None:
    """What was broadcast while this process did not listen."""
    await reader.read()


@bus.broadcast(SessionRevoked, on_ready=read_revocations)
async def end_session(event: SessionRevoked, revocations: Revocations) -> None:
    """The session's tokens are void from now on, and its streams end."""
    revocations.add(event.session_id, event.tokens_expire_at)
