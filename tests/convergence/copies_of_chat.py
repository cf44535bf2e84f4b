"""Chat's shelf."""

from chat import events, shelf
from chat.models import ShelvedDocument
from hypothesis import strategies as st
from mesh import Event
from mesh.injection import Provide
from sqlmodel import select

from .harness import Copy
from .histories import documents


class Shelf(Copy):
    """Documents that can be studied, and tombstones."""

    service = "chat"
    bus = events.bus
    handlers = frozenset({"offer_document_for_study", "take_document_off_the_shelf"})

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return documents()

    def provide(self) -> Provide:
        return {shelf.Shelf: shelf.Shelf}

    async def state(self) -> object:
        async with self.database.transaction() as session:
            rows = (await session.execute(select(ShelvedDocument))).scalars().all()
        return {row.document_id: "gone" if row.deleted else (row.version, row.user_id, row.title) for row in rows}
