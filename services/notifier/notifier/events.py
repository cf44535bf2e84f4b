"""What notifier takes from the mesh once each, and keeps."""

from chassis.clock import Clock
from contracts.chat import MessageAnswered
from contracts.ingestion import DocumentDeleted, DocumentFailed, DocumentProcessed
from mesh import Subscriptions, transient
from sqlalchemy.ext.asyncio import AsyncSession

from notifier import news
from notifier.notifications import Desk
from notifier.presence import is_present

bus = Subscriptions("notifier")


@bus.on(DocumentProcessed, DocumentFailed, retry=transient)
async def tell_of_document(event: DocumentProcessed | DocumentFailed, desk: Desk, clock: Clock) -> None:
    """A document that was read, or could not be, is a notification."""
    told = news.document_ready(event) if isinstance(event, DocumentProcessed) else news.document_failed(event)
    await desk.tell(event.document_id, event.version, owner=event.user_id, news=told, now=clock())


@bus.on(DocumentDeleted, retry=transient)
async def withdraw_news_of_document(event: DocumentDeleted, desk: Desk, clock: Clock) -> None:
    """Nobody is told of a document that is gone, whatever else is heard of it later."""
    await desk.tell(event.document_id, event.version, owner=event.user_id, news=None, now=clock())


@bus.on(MessageAnswered, retry=transient)
async def tell_of_answer(event: MessageAnswered, session: AsyncSession, desk: Desk, clock: Clock) -> None:
    """An answer that was finished while the student had no tab open is a notification."""
    seen = await is_present(session, event.user_id, clock())
    told = None if seen else news.answer_ready(event)
    await desk.tell(event.message_id, event.version, owner=event.user_id, news=told, now=clock())
