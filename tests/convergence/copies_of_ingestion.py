"""What ingestion keeps of users who leave."""

from datetime import UTC, datetime
from uuid import UUID

from chassis.clock import Clock
from hypothesis import strategies as st
from ingestion import events
from ingestion.models import Document, Kind, StrayFile, tables
from mesh import Event
from mesh.injection import Provide
from sqlmodel import select

from .harness import Copy
from .histories import ADA, GRACE, left_behind


def _noon() -> datetime:
    return datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


class Documents(Copy):
    """Documents, and files that are to be discarded."""

    service = "ingestion"
    bus = events.bus
    handlers = frozenset({"erase_user", "export_user"})

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return left_behind(st.just([]))

    async def prepare(self) -> None:
        documents = [
            Document(
                id=UUID(int=number), user_id=owner, title="Cells", filename="cells.txt", kind=Kind.TEXT, size=1,
                sha256=bytes([number]), storage_key=f"file-{number}", due_at=_noon(), created_at=_noon(), updated_at=_noon(),
            )
            for number, owner in enumerate([ADA, GRACE, GRACE])
        ]  # fmt: skip
        async with self.database.transaction() as session:
            session.add_all(documents)

    def provide(self) -> Provide:
        return {Clock: lambda: _noon}

    async def state(self) -> object:
        async with self.database.transaction() as session:
            documents = set((await session.execute(select(Document.id))).scalars())
            files = set((await session.execute(select(StrayFile.storage_key))).scalars())
        gone, exports, holding = await self.left_of_users(tables.metadata)
        assert set(holding) <= {"removal"}, "what the index is to forget is kept by id until it has"
        return documents, files, gone, exports
