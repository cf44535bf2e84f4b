"""The rows of chat: sessions, their messages, and the shelf of documents that may be studied."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from chassis.database import table_registry
from chassis.idempotency import idempotency_table
from chassis.personal_data import personal_data_tables
from mesh import tables as mesh_tables
from sqlalchemy import ARRAY, Column, DateTime, ForeignKey, Index, Integer, Numeric, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

SCHEMA = "chat"
tables = table_registry()


class Row(SQLModel, registry=tables):
    """Base of this service's tables."""


class Role(StrEnum):
    STUDENT = "student"
    TUTOR = "tutor"


class Status(StrEnum):
    ANSWERING = "answering"
    DONE = "done"
    FAILED = "failed"


class Intent(StrEnum):
    """What a student's message wants: what a button says, so that no words have to be guessed at."""

    START = "start"
    ANSWER = "answer"
    HINT = "hint"
    SKIP = "skip"
    FINISH = "finish"
    RIGHT = "right"
    WRONG = "wrong"
    EXPLAIN = "explain"
    PRACTICE = "practice"


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class StudySession(Row, table=True):
    """A conversation about documents. Its row lock serialises what happens in it; take it before a message's."""

    __tablename__ = "study_session"
    __table_args__ = (Index("ix_study_session_user_id_updated_at_id", "user_id", "updated_at", "id"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID
    mode: str
    title: str | None = None  # until the first question gives it one
    document_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))  # none: all of the student's
    version: int = 1
    messages: int = 0  # the position of the newest
    questions: int | None = None  # of a quiz
    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())


class Message(Row, table=True):
    """What one side said. The tutor's is written while it is still empty, so that it has its id before its first word.

    While it is `answering`, whoever holds the `lease` may write it; after `lease_until` its process is taken for dead.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("session_id", "position", name="uq_message_session_id_position"),
        Index("ix_message_lease_until", "lease_until", postgresql_where="status = 'answering'"),
        Index("ix_message_user_id_finished_at", "user_id", "finished_at", postgresql_where="input_tokens IS NOT NULL"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    session_id: UUID = Field(sa_column=Column(ForeignKey("study_session.id", ondelete="CASCADE"), nullable=False))
    user_id: UUID
    position: int  # 1 is the session's first
    role: Role = Field(sa_type=Text)
    status: Status = Field(sa_type=Text)
    content: str = Field(default="", sa_type=Text)
    # The lengths of the pieces in which it was streamed, so that a reader can go on from any of them.
    pieces: list[int] = Field(
        default_factory=list, sa_column=Column(ARRAY(Integer), nullable=False, server_default="{}")
    )
    intent: Intent | None = Field(default=None, sa_type=Text)
    wanted: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))  # beside the words
    reply_to: UUID | None = Field(default=None, index=True)
    version: int = 1
    created_at: datetime = Field(sa_column=_moment())

    query: str | None = Field(default=None, sa_type=Text)  # what was searched
    citations: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    details: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))  # of the mode
    model: str | None = None  # None: no language model took part
    prompt: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    tokens_estimated: bool | None = None
    cost: Decimal | None = Field(default=None, sa_column=Column(Numeric(18, 9)))  # US dollars; None: price unknown

    attempts: int = 0
    lease: UUID | None = None
    lease_until: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    finished_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    error_type: str | None = None
    error_detail: str | None = None

    helpful: bool | None = None  # what the student thinks of the answer
    comment: str | None = Field(default=None, sa_type=Text)
    rated_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class Proposal(Row, table=True):
    """Cards that a student asked for: `cards` are `ProposedCard`s. With the session that they were made of, it is gone."""

    __tablename__ = "proposal"
    __table_args__ = (Index("ix_proposal_user_id_created_at", "user_id", "created_at"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID
    session_id: UUID | None = Field(
        default=None, sa_column=Column(ForeignKey("study_session.id", ondelete="CASCADE"), index=True)
    )
    document_id: UUID | None = None
    cards: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    model: str | None = None  # None: no language model took part
    prompt: str | None = None
    input_tokens: int
    output_tokens: int
    tokens_estimated: bool
    cost: Decimal | None = Field(default=None, sa_column=Column(Numeric(18, 9)))
    created_at: datetime = Field(sa_column=_moment())


class ShelvedDocument(Row, table=True):
    """What ingestion last said of a document. A deleted one stays as a tombstone, so that older news cannot bring it back."""

    __tablename__ = "shelved_document"

    document_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(index=True)
    version: int
    title: str
    deleted: bool = False


mesh_tables(tables.metadata)
idempotency_table(tables.metadata)
personal_data_tables(tables.metadata)
