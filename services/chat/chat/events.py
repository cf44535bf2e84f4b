"""What chat takes from the mesh."""

from chassis.personal_data import prepare_export
from contracts.auth import UserDeleted, UserExportRequested
from contracts.chat import ChatDataErased, ChatDataExported
from contracts.ingestion import DocumentDeleted, DocumentProcessed
from mesh import Outbox, Subscriptions, transient
from sqlalchemy.ext.asyncio import AsyncSession

from chat.erasure import erase
from chat.models import SCHEMA, tables
from chat.shelf import Shelf

bus = Subscriptions("chat")


@bus.on(DocumentProcessed, retry=transient)
async def offer_document_for_study(event: DocumentProcessed, shelf: Shelf) -> None:
    """A document that can be searched can be studied."""
    await shelf.put(event.document_id, event.version, owner=event.user_id, title=event.title)


@bus.on(DocumentDeleted, retry=transient)
async def take_document_off_the_shelf(event: DocumentDeleted, shelf: Shelf) -> None:
    """A document that is gone is not studied, whatever else is heard of it later."""
    await shelf.remove(event.document_id, event.version, owner=event.user_id)


@bus.on(UserDeleted, retry=transient)
async def erase_user(event: UserDeleted, session: AsyncSession) -> None:
    """Nothing is kept of a user who is gone."""
    await erase(session, event.user_id)
    await Outbox(session, SCHEMA).add(ChatDataErased(user_id=event.user_id, version=1))


@bus.on(UserExportRequested, retry=transient)
async def export_user(event: UserExportRequested, session: AsyncSession) -> None:
    """A user's sessions and messages wait to be fetched."""
    size = await prepare_export(session, tables.metadata, event.export_id, event.user_id)
    exported = ChatDataExported(export_id=event.export_id, user_id=event.user_id, size=size, version=1)
    await Outbox(session, SCHEMA).add(exported)
