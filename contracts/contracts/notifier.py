"""What notifier tells the mesh."""

from datetime import date
from typing import Literal
from uuid import UUID

from mesh import Event
from pydantic import AwareDatetime, Field

from contracts.flashcard import DueDeck
from contracts.personal_data import DataErased, DataExported


class _Told(Event):
    """A notification in one of the ways in which it is told. By mail it is an aggregate of its own, with versions of its own."""

    notification_id: UUID = Field(description="Of a mail that was requested, the request's id")
    user_id: UUID
    kind: str = Field(description="What it is about, such as document_ready or verify_email")
    channel: Literal["in_app", "email"]

    @property
    def aggregate_id(self) -> str:
        """The notification in the list, or the mail."""
        return super().aggregate_id + ("/email" if self.channel == "email" else "")


class NotificationDelivered(_Told, type="notifier.notification.delivered", version=1, aggregate="notification_id"):
    """A student was told: a notification stands in the list, or a mail server has taken the mail. The mail is an aggregate of its
    own: its `subject` is the id with `/email`, and its versions are not those of the list."""


class NotificationWithdrawn(Event, type="notifier.notification.withdrawn", version=1, aggregate="notification_id"):
    """A notification stands in the list no more: what it told of is gone, done or told anew, or the student removed it."""

    notification_id: UUID
    user_id: UUID


class NotificationFailed(_Told, type="notifier.notification.failed", version=1, aggregate="notification_id"):
    """A mail was given up: refused for its address, expired, not wanted any more, or not to be delivered for a long time. Its
    `subject` is the id with `/email`, as that of the mail's delivery."""

    code: str = Field(description="Stable, for programs: refused, expired, unwanted or unreachable")
    detail: str = Field(description="A sentence for people")


class ReviewReminderRaised(Event, type="notifier.review_reminder.raised", version=1, aggregate="notification_id"):
    """A student's time for a reminder has come, and cards are due. Published once per student and day."""

    notification_id: UUID = Field(description="The same in the list and as the mail's Message-ID")
    user_id: UUID
    due_version: int = Field(ge=1, description="The version of flashcard.reviews.due that it reminds of")
    day: date
    reviews: int = Field(ge=0, description="Cards that were due by their interval when reviews.due was told")
    new: int = Field(ge=0, description="New cards that the day's limits allowed at that moment")
    decks: list[DueDeck] = Field([], description="As flashcard.reviews.due named them")
    more_decks: int = Field(0, ge=0, description="How many others had some")
    since: AwareDatetime | None = Field(
        None, description="As flashcard.reviews.due said: the counts are then of the first that came"
    )
    expires_at: AwareDatetime = Field(description="It is not sent any more from then on")


class NotifierDataErased(DataErased, type="notifier.user_data.erased", version=1, aggregate="user_id"):
    """Notifier keeps nothing of the user any more."""


class NotifierDataExported(DataExported, type="notifier.user_data.exported", version=1, aggregate="export_id"):
    """What notifier keeps of the user waits to be fetched."""
