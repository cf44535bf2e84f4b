"""What notifier takes from the mesh once each."""

from datetime import timedelta
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
from contracts.flashcard import ReviewsCleared, ReviewsDue
from contracts.ingestion import DocumentDeleted, DocumentFailed, DocumentProcessed
from contracts.notifier import NotifierDataErased, NotifierDataExported, ReviewReminderRaised
from mesh import Envelope, Outbox, Retry, Subscriptions, transient
from sqlalchemy.ext.asyncio import AsyncSession

from notifier import news
from notifier.models import SCHEMA, tables
from notifier.notifications import Desk
from notifier.post_office import PostOffice
from notifier.posting import Passing
from notifier.presence import is_present
from notifier.reminders import Reminders, subject_of

bus = Subscriptions("notifier")
# A mail server may be away for an hour, and one that does not know us yet wants us to come back in some minutes.
# Sixteen tries last at least 80 minutes: waits are drawn between half of each and the whole.
patient = Retry(attempts=16, first=0.5, longest=1024.0, permanent=(SealBroken,), expected=Passing)

# A notification that could not be mailed for so long is no news any more.
_NEWS_LIFE = timedelta(days=1)

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
    """An answer that was finished while the student had no tab open, and did not follow it, is a notification."""
    seen = await is_present(session, event.user_id, clock())
    told = None if seen else news.of_event(event)
    await desk.tell(event.message_id, event.version, owner=event.user_id, news=told, now=clock())


@bus.on(UserRegistered, UserProfileChanged, UserEmailVerified, retry=transient)
async def keep_profile(event: Profile, session: AsyncSession) -> None:
    """Where a student is reached, and when it is time for a reminder there."""
    await Reminders(session, event.user_id).move(event)


@bus.on(ReviewsDue, retry=transient)
async def note_reviews_due(event: ReviewsDue, session: AsyncSession) -> None:
    """There is something to remind the student of."""
    await Reminders(session, event.user_id).note(event)


@bus.on(ReviewsCleared, retry=transient)
async def note_reviews_cleared(event: ReviewsCleared, session: AsyncSession, desk: Desk, clock: Clock) -> None:
    """There is not any more; a reminder that was given is withdrawn."""
    await Reminders(session, event.user_id).note(event)
    await desk.tell(subject_of(event.user_id), event.version, owner=event.user_id, news=None, now=clock())


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


# No transaction around these three: none may be open while a mail is sent. They keep a log of their own.
@bus.on(EmailRequested, retry=patient, prefetch=5, concurrency=5, inbox=False)
async def mail_link(event: EmailRequested, envelope: Envelope, post_office: PostOffice) -> None:
    """A mail with a secret link, sent unless it has expired."""
    await post_office.send_requested(event, is_last=_is_last(envelope))


@bus.on(DocumentProcessed, DocumentFailed, MessageAnswered, retry=patient, prefetch=5, concurrency=5, inbox=False)
async def mail_news(event: News, envelope: Envelope, post_office: PostOffice) -> None:
    """What becomes a notification, by mail for who wants it so."""
    if (told := news.of_event(event)) is None:
        return
    await post_office.send_news(
        _subject_of(event),
        event.version,
        owner=event.user_id,
        news=told,
        told_at=envelope.time,
        expires_at=envelope.time + _NEWS_LIFE,
        is_last=_is_last(envelope),
    )


@bus.on(ReviewReminderRaised, retry=patient, prefetch=5, concurrency=5, inbox=False)
async def mail_reminder(event: ReviewReminderRaised, envelope: Envelope, post_office: PostOffice) -> None:
    """A reminder by mail, for who wants it so and has not finished meanwhile. Never on another day than its own."""
    await post_office.send_news(
        subject_of(event.user_id),
        event.due_version,
        owner=event.user_id,
        news=news.reviews_due(event.day, event.reviews, event.new, event.decks, event.more_decks, since=event.since),
        told_at=envelope.time,
        expires_at=event.expires_at,
        is_last=_is_last(envelope),
    )


def _subject_of(event: News) -> UUID:
    return event.message_id if isinstance(event, MessageAnswered) else event.document_id


def _is_last(envelope: Envelope) -> bool:
    return envelope.attempt >= patient.attempts
