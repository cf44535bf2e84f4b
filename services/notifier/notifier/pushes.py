"""What every process with sockets hears of the mesh, and passes on to the tabs that it holds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

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
from contracts.notifier import NotificationDelivered, NotificationWithdrawn
from mesh import Envelope, Subscriptions

from notifier import frames
from notifier.catching_up import untold
from notifier.hub import Hub
from notifier.kinds import Channel
from notifier.notifications import Notifications

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
async def push_notification(event: NotificationDelivered, hub: Hub, database: Database, clock: Clock) -> None:
    """There is a notification. What each tab was not told of yet is read from the list: the bus carries no more than its id."""
    if event.channel != Channel.IN_APP.value or event.user_id not in hub.users:
        return
    async with _in_turn(event.user_id, hub, clock):
        if (known := hub.known(event.user_id)) is not None:
            hub.tell(event.user_id, await untold(database, event.user_id, known, clock()))


@bus.broadcast(NotificationWithdrawn)
async def push_withdrawal(
    event: NotificationWithdrawn, envelope: Envelope, hub: Hub, database: Database, clock: Clock
) -> None:
    """A notification is there no more."""
    if event.user_id not in hub.users:
        return
    async with _in_turn(event.user_id, hub, clock):
        async with database.transaction() as session:
            unread = await Notifications(session, event.user_id).unread()
        hub.push(event.user_id, frames.of_withdrawal(event, envelope, unread))


@asynccontextmanager
async def _in_turn(owner: UUID, hub: Hub, clock: Clock) -> AsyncIterator[None]:
    """What is read first is told first; what cannot be read here, the student's tabs are asked to fetch."""
    async with hub.turn(owner):
        try:
            yield
        except Exception:
            hub.push(owner, frames.resync(uuid4(), clock()))
            raise
