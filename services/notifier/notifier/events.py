"""What notifier takes from the mesh once each."""

from uuid import UUID

from chassis.clock import Clock
from chassis.personal_data import erase_user as erase
from chassis.personal_data import prepare_export
from chassis.sealing import SealBroken
from contracts.auth import (
    EmailRequested,
    Profile,
    UserDeleted,
    UserEmailVerified,
    UserExportRequested,
    UserProfileChanged,
    UserRegistered,
)
from contracts.chat import MessageAnswered
from contracts.ingestion import DocumentDeleted, DocumentFailed, DocumentProcessed
from contracts.notifier import NotifierDataErased, NotifierDataExported
from mesh import Envelope, Outbox, Retry, Subscriptions, transient
from sqlalchemy.ext.asyncio import AsyncSession

from notifier import news
from notifier.models import SCHEMA, tables
from notifier.notifications import Desk
from notifier.post_office import PostOffice
from notifier.posting import Passing
from notifier.presence import is_present
from notifier.students import Students

bus = Subscriptions("notifier")
# A mail server may be away for an hour, and one that does not know us yet wants us to come back in some minutes.
patient = Retry(attempts=11, first=0.5, longest=1024.0, permanent=(SealBroken,), expected=Passing)

News = DocumentProcessed | DocumentFailed | MessageAnswered


@bus.on(DocumentProcessed, DocumentFailed, retry=transient)
async def tell_of_document(event: DocumentProcessed | DocumentFailed, desk: Desk, clock: Clock) -> None:
    """A document that was read, or could not be, is a notification."""
    told = news.of_event(event)
    await desk.tell(event.document_id, event.version, owner=event.user_id, news=told, now=clock())


@bus.on(DocumentDeleted, retry=transient)
async def withdraw_news_of_document(event: DocumentDeleted, desk: Desk, clock: Clock) -> None:
    """Nobody is told of a document that is gone, whatever else is heard of it later."""
    await desk.tell(event.document_id, event.version, owner=event.user_id, news=None, now=clock())


@bus.on(MessageAnswered, retry=transient)
async def tell_of_answer(event: MessageAnswered, session: AsyncSession, desk: Desk, clock: Clock) -> None:
    """An answer that was finished while the student had no tab open is a notification."""
    seen = await is_present(session, event.user_id, clock())
    told = None if seen else news.of_event(event)
    await desk.tell(event.message_id, event.version, owner=event.user_id, news=told, now=clock())


@bus.on(UserRegistered, UserProfileChanged, UserEmailVerified, retry=transient)
async def keep_profile(event: Profile, students: Students) -> None:
    """Where a student is reached."""
    await students.put(event)


@bus.on(UserDeleted, retry=transient)
async def erase_user(event: UserDeleted, session: AsyncSession) -> None:
    """Nothing is kept of a user who is gone."""
    await erase(session, tables.metadata, event.user_id)
    await Outbox(session, SCHEMA).add(NotifierDataErased(user_id=event.user_id, version=1))


@bus.on(UserExportRequested, retry=transient)
async def export_user(event: UserExportRequested, session: AsyncSession) -> None:
    """A user's notifications, preferences and mails wait to be fetched."""
    size = await prepare_export(session, tables.metadata, event.export_id, event.user_id)
    exported = NotifierDataExported(export_id=event.export_id, user_id=event.user_id, size=size, version=1)
    await Outbox(session, SCHEMA).add(exported)


# No transaction around these two: none may be open while a mail is sent. They keep a log of their own.
@bus.on(EmailRequested, retry=patient, prefetch=5, concurrency=5, inbox=False)
async def mail_link(event: EmailRequested, envelope: Envelope, post_office: PostOffice) -> None:
    """A mail with a secret link, sent unless it has expired."""
    await post_office.send_requested(event, is_last=_is_last(envelope))


@bus.on(DocumentProcessed, DocumentFailed, MessageAnswered, retry=patient, prefetch=5, concurrency=5, inbox=False)
async def mail_news(event: News, envelope: Envelope, post_office: PostOffice) -> None:
    """What becomes a notification, by mail for who wants it so."""
    await post_office.send_news(
        _subject_of(event),
        event.version,
        owner=event.user_id,
        news=news.of_event(event),
        told_at=envelope.time,
        is_last=_is_last(envelope),
    )


def _subject_of(event: News) -> UUID:
    return event.message_id if isinstance(event, MessageAnswered) else event.document_id


def _is_last(envelope: Envelope) -> bool:
    return envelope.attempt >= patient.attempts
