"""What auth knows of the progress of erasures and exports."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from auth import events
from auth.models import Account, DataExport, Erasure
from auth.personal_data import SERVICES, Progress
from chassis.clock import Clock
from contracts.chat import ChatDataErased, ChatDataExported
from contracts.flashcard import FlashcardDataErased, FlashcardDataExported
from contracts.ingestion import IngestionDataErased, IngestionDataExported
from contracts.notifier import NotifierDataErased, NotifierDataExported
from hypothesis import strategies as st
from mesh import Event
from mesh.injection import Provide
from sqlmodel import select

from .harness import Copy

LEAVING, STAYING, EXPORT = UUID(int=1), UUID(int=2), UUID(int=3)
ERASED = (ChatDataErased, FlashcardDataErased, IngestionDataErased, NotifierDataErased)
EXPORTED = (ChatDataExported, FlashcardDataExported, IngestionDataExported, NotifierDataExported)


def _noon() -> datetime:
    return datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@st.composite
def parts_done(draw: st.DrawFn) -> list[Event]:
    """Some services have done their part, or all."""
    done: list[Any] = draw(st.lists(st.sampled_from([*ERASED, *EXPORTED]), unique=True))
    return [
        kind(version=1, user_id=LEAVING)
        if kind in ERASED
        else kind(version=1, user_id=STAYING, export_id=EXPORT, size=100)
        for kind in done
    ]


class PersonalData(Copy):
    """Which services have yet to erase a user, or to make an export ready."""

    service = "auth"
    bus = events.bus
    handlers = frozenset({"note_erasure", "note_export"})

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return parts_done()

    async def prepare(self) -> None:
        asked: dict[str, Any] = {"requested_at": _noon(), "waiting_for": list(SERVICES)}
        account = Account(
            id=STAYING, email="ada@example.org", email_key="ada@example.org", name="Ada", password_hash="",
            time_zone="Europe/London", day_starts_at=4, roles=["student"], created_at=_noon(), updated_at=_noon(),
        )  # fmt: skip
        async with self.database.transaction() as session:
            session.add_all([account, Erasure(user_id=LEAVING, **asked)])
            await session.flush()
            session.add(DataExport(id=EXPORT, user_id=STAYING, ready=["auth"], **asked))

    def provide(self) -> Provide:
        return {Progress: Progress, Clock: lambda: _noon}

    async def state(self) -> object:
        async with self.database.transaction() as session:
            erasure = (await session.execute(select(Erasure))).scalar_one()
            export = (await session.execute(select(DataExport))).scalar_one()
        return set(erasure.waiting_for), erasure.finished_at, set(export.waiting_for), sorted(export.ready)
