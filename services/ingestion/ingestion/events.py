"""What ingestion takes from the mesh."""

from chassis.clock import Clock
from chassis.personal_data import prepare_export
from contracts.auth import UserDeleted, UserExportRequested
from contracts.ingestion import IngestionDataErased, IngestionDataExported
from mesh import Outbox, Subscriptions, transient
from sqlmodel.ext.asyncio.session import AsyncSession

from ingestion.library import erase
from ingestion.models import SCHEMA, tables

bus = Subscriptions("ingestion")
# Passages repeat the text of pages, and have vectors.
_SAYS_NOTHING_MORE = ("passage", "removal")


@bus.on(UserDeleted, retry=transient)
async def erase_user(event: UserDeleted, session: AsyncSession, clock: Clock) -> None:
    """Nothing is kept of a user who is gone; each document is told to be deleted, and its file goes with the next sweep."""
    await erase(session, event.user_id, clock())
    await Outbox(session, SCHEMA).add(IngestionDataErased(user_id=event.user_id, version=1))


@bus.on(UserExportRequested, retry=transient)
async def export_user(event: UserExportRequested, session: AsyncSession) -> None:
    """What was read of a user's documents waits to be fetched; the files are at `GET /documents/{id}/file`."""
    size = await prepare_export(session, tables.metadata, event.export_id, event.user_id, without=_SAYS_NOTHING_MORE)
    exported = IngestionDataExported(export_id=event.export_id, user_id=event.user_id, size=size, version=1)
    await Outbox(session, SCHEMA).add(exported)
