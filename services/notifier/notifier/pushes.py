"""What every process with sockets hears of the mesh, and passes on to the tabs that it holds."""

from uuid import uuid4

from chassis.clock import Clock
from chassis.database import Database
from contracts.chat import MessageAnswered, MessageAsked
from contracts.ingestion import (
    DocumentDeleted,
    DocumentFailed,
    DocumentProcessed,
    DocumentProgressed,
    DocumentUploaded,
)
from contracts.notifier import NotificationDelivered
from mesh import Envelope, Subscriptions

from notifier import frames
from notifier.hub import Hub
from notifier.kinds import Channel
from notifier.models import Notification

bus = Subscriptions("notifier")

DocumentNews = DocumentUploaded | DocumentProgressed | DocumentProcessed | DocumentFailed | DocumentDeleted


async def ask_tabs_to_fetch(hub: Hub, clock: Clock) -> None:
    """What was broadcast while this process did not listen is not known: tabs that are open fetch it."""
    hub.push_to_all(frames.resync(uuid4(), clock()))


@bus.broadcast(
    *(DocumentUploaded, DocumentProgressed, DocumentProcessed, DocumentFailed, DocumentDeleted),
    on_ready=ask_tabs_to_fetch,
)
async def push_document(event: DocumentNews, envelope: Envelope, hub: Hub) -> None:
    """How it goes with a document. Progress may be lost on the way to a slow tab."""
    hub.push(event.user_id, frames.of_event(event, envelope), lossy=event.ephemeral)


@bus.broadcast(MessageAsked)
async def push_question(event: MessageAsked, envelope: Envelope, hub: Hub) -> None:
    """An answer is being written: a tab that shows its session can follow it. May be lost on the way to a slow tab."""
    hub.push(event.user_id, frames.of_event(event, envelope), lossy=True)


@bus.broadcast(MessageAnswered)
async def push_answer(event: MessageAnswered, envelope: Envelope, hub: Hub) -> None:
    """An answer is complete."""
    hub.push(event.user_id, frames.of_event(event, envelope))


@bus.broadcast(NotificationDelivered)
async def push_notification(event: NotificationDelivered, hub: Hub, database: Database) -> None:
    """A notification stands in the list. It is read from there: the bus carries no more of it than its id."""
    if event.channel != Channel.IN_APP.value or event.user_id not in hub.users:
        return
    async with database.transaction() as session:
        kept = await session.get(Notification, event.notification_id)
    if kept is not None:  # else it was withdrawn already
        hub.push(kept.user_id, frames.of_notification(kept), number=kept.number)
