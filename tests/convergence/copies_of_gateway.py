"""The gateway's revocations, in the memory of one process."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from chassis.database import Database
from contracts.auth import SessionRevoked
from gateway import events
from gateway.revocations import RevocationReader, Revocations
from hypothesis import strategies as st
from mesh import Event
from mesh.injection import Provide

from .harness import Copy


@st.composite
def revocations(draw: st.DrawFn) -> list[Event]:
    """Sessions that end, some of them twice, with tokens that live longer than was thought."""
    history: list[Event] = []
    for _ in range(draw(st.integers(1, 4))):
        session, owner = uuid4(), uuid4()
        for version in range(2, 2 + draw(st.integers(1, 2))):
            ends = datetime(2026, 11, 26, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 60)))
            history.append(
                SessionRevoked(
                    version=version, session_id=session, user_id=owner, reason="logout", tokens_expire_at=ends
                )
            )
    return history


class Revoked(Copy):
    """Sessions whose tokens are void, and until when that matters."""

    service = "gateway"
    bus = events.bus
    handlers = frozenset({"end_session"})

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._revocations = Revocations(lambda _: None, lambda: 0.0)

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return revocations()

    def provide(self) -> Provide:
        return {Revocations: lambda: self._revocations, RevocationReader: lambda: None}

    async def prepare(self) -> None:
        self._revocations = Revocations(lambda _: None, lambda: 0.0)

    async def state(self) -> object:
        return dict(self._revocations._until)
