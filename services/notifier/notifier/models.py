"""The rows of notifier: notifications and what was last said of each thing, students and their reminders, open tabs, mails."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from chassis.database import table_registry
from chassis.personal_data import personal_data_tables
from mesh import tables as mesh_tables
from sqlalchemy import Column, Date, DateTime, Index, Integer, Text, Time, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SCHEMA = "notifier"
tables = table_registry()


class Row(SQLModel, registry=tables):
    """Base of this service's tables."""


def moment(*, nullable: bool = False) -> Column[datetime]:
    """A column for a point in time."""
    return Column(DateTime(timezone=True), nullable=nullable)


class Feed(Row, table=True):
    """A student's notifications are numbered under this row's lock, so that numbers appear in the order of commits."""

    __tablename__ = "feed"

    user_id: UUID = Field(primary_key=True)
    newest: int


class Notification(Row, table=True):
    """Something that a student was told, until it is removed or withdrawn."""

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("user_id", "number", name="uq_notification_user_id_number"),
        Index("ix_notification_unread", "user_id", "number", postgresql_where="read_at IS NULL"),
        Index("ix_notification_created_at", "created_at", postgresql_using="brin"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID
    number: int
    kind: str = Field(sa_type=Text)
    subject_id: UUID = Field(index=True)  # the document or message that it is about
    title: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    data: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(sa_column=moment())
    read_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Told(Row, table=True):
    """The newest version of a thing that a student was told of, or was to be told nothing of: older news is no news."""

    __tablename__ = "told"

    subject_id: UUID = Field(primary_key=True)
    version: int


class Preference(Row, table=True):
    """A choice of a student's. What was never chosen is as `kinds.DEFAULT` says."""

    __tablename__ = "preference"

    user_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=Text, primary_key=True)
    channel: str = Field(sa_type=Text, primary_key=True)
    wanted: bool


class Student(Row, table=True):
    """A user's profile, as auth last told it."""

    __tablename__ = "student"

    user_id: UUID = Field(primary_key=True)
    version: int
    email: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    time_zone: str = Field(sa_type=Text)
    day_starts_at: int
    email_verified: bool


class Reminder(Row, table=True):
    """When a student wants to be reminded, and what of. Its lock serialises whatever changes that.

    `due_day` is the student's day on which cards are due, by the newest that was heard (`due_version`); None: nothing is left.
    `due_since` is since when, where that is later than the day's beginning. `decks` and `more_decks` are as flashcard named them.
    `told_day` is the last day that was reminded of. At `next_at` a scheduler looks; None: there is nothing to remind of.
    """

    __tablename__ = "reminder"
    __table_args__ = (Index("ix_reminder_next_at", "next_at", postgresql_where="next_at IS NOT NULL"),)

    user_id: UUID = Field(primary_key=True)
    remind_at: time = Field(sa_column=Column(Time, nullable=False))
    quiet_from: time | None = Field(default=None, sa_column=Column(Time))
    quiet_until: time | None = Field(default=None, sa_column=Column(Time))
    chosen_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    due_version: int = 0
    due_day: date | None = Field(default=None, sa_column=Column(Date))
    due_since: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    reviews: int = 0
    new: int = 0
    decks: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default="[]")
    )
    more_decks: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    told_day: date | None = Field(default=None, sa_column=Column(Date))
    next_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Presence(Row, table=True):
    """A student has a tab open at a process, as of a moment ago."""

    __tablename__ = "presence"

    user_id: UUID = Field(primary_key=True)
    process_id: UUID = Field(primary_key=True)
    until: datetime = Field(sa_column=moment())


class MailStatus(StrEnum):
    """`sending` may have been tried already; `delivered`: the server has taken it; the others say why nobody has.

    `expired`: its time was over first. `unwanted`: while it waited, the student did it, turned it off, chose quiet hours or was told newer.
    """

    SENDING = "sending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    EXPIRED = "expired"
    UNWANTED = "unwanted"
    UNREACHABLE = "unreachable"


class Mail(Row, table=True):
    """What became of a mail. Its id is the request's, or made of what it tells, so that a repetition is the same mail."""

    __tablename__ = "mail"
    __table_args__ = (Index("ix_mail_created_at", "created_at", postgresql_using="brin"),)

    id: UUID = Field(primary_key=True)
    user_id: UUID
    kind: str = Field(sa_type=Text)
    email: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    version: int = 1
    attempts: int = 0
    detail: str | None = Field(default=None, sa_type=Text)  # what the server said last
    created_at: datetime = Field(sa_column=moment())
    settled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


mesh_tables(tables.metadata)
personal_data_tables(tables.metadata)
