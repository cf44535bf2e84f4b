"""Chat's shelf."""

from chat import events, shelf
from chat.models import ShelvedDocument, tables
from hypothesis import strategies as st
from mesh import Event
from mesh.injection import Provide
from sqlmodel import select

from .harness import Copy
from .histories import documents, left_behind


class Shelf(Copy):
    """Documents that can be studied, and tombstones."""

    service = "chat"
    bus = events.bus
    handlers = frozenset({"offer_document_for_study", "take_document_off_the_shelf", "erase_user", "export_user"})

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return left_behind(documents())

    def provide(self) -> Provide:
        return {shelf.Shelf: shelf.Shelf}

    async def state(self) -> object:
        async with self.database.transaction() as session:
            rows = (await session.execute(select(ShelvedDocument))).scalars().all()
        gone, exports, holding = await self.left_of_users(tables.metadata)
        # Of documents that were known when their owner left a tombstone stays; it says nothing but an id.
        assert set(holding) <= {ShelvedDocument.__tablename__}
        assert all(row.deleted and not row.title for row in rows if row.user_id in gone)
        shelf = {
            row.document_id: "gone" if row.deleted else (row.version, row.user_id, row.title)
            for row in rows
            if row.user_id not in gone
        }
        return shelf, gone, exports
