"""What chat takes from the mesh."""

from contracts.ingestion import DocumentDeleted, DocumentProcessed
from mesh import Subscriptions, transient

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
