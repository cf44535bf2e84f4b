"""The rows of notifier: notifications and what was last said of each thing, preferences, who has a tab open."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from chassis.database import table_registry
from mesh import tables as mesh_tables
from sqlalchemy import Column, DateTime, Index, Text, UniqueConstraint
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


class Presence(Row, table=True):
    """A student has a tab open at a process, as of a moment ago."""

    __tablename__ = "presence"

    user_id: UUID = Field(primary_key=True)
    process_id: UUID = Field(primary_key=True)
    until: datetime = Field(sa_column=moment())


mesh_tables(tables.metadata)
