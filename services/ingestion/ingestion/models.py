"""The rows of ingestion. `passage` and `removal` are what the index tails; see `Passage` for how.

A document's rows are written under its row lock: whoever adds or removes pages and passages selects the document
`FOR UPDATE` first, so that a delete and a late worker cannot pass each other.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

import mesh
from chassis.database import table_registry
from chassis.idempotency import idempotency_table
from chassis.personal_data import personal_data_tables
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    FetchedValue,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy import Enum as SqlEnum
from sqlmodel import Field, SQLModel

SCHEMA = "ingestion"
tables = table_registry()


class Row(SQLModel, registry=tables):
    """Base of this service's tables."""


class Kind(StrEnum):
    PDF = "pdf"
    DOCX = "docx"
    TEXT = "txt"
    MARKDOWN = "md"


class DocumentStatus(StrEnum):
    QUEUED = "queued"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


def _one_of(kinds: type[StrEnum]) -> SqlEnum:
    """Stored as its value, a short text; no type of PostgreSQL's own, which only a migration could extend."""
    return SqlEnum(
        kinds,
        native_enum=False,
        create_constraint=False,
        length=16,
        values_callable=lambda these: [one.value for one in these],
    )


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class Document(Row, table=True):
    """One upload. `version` counts its facts (events), `content_version` the readings whose pages and passages count."""

    __tablename__ = "document"
    __table_args__ = (
        UniqueConstraint("user_id", "sha256", name="uq_document_user_id_sha256"),
        Index("ix_document_user_id_created_at_id", "user_id", "created_at", "id"),
        Index("ix_document_due_at", "due_at", postgresql_where="status IN ('queued', 'processing')"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID
    title: str
    filename: str
    kind: Kind = Field(sa_column=Column(_one_of(Kind), nullable=False))
    size: int = Field(sa_type=BigInteger)
    sha256: bytes = Field(sa_type=LargeBinary)
    storage_key: str
    status: DocumentStatus = Field(
        default=DocumentStatus.QUEUED, sa_column=Column(_one_of(DocumentStatus), nullable=False)
    )
    version: int = 1
    content_version: int = 1

    has_pages: bool | None = None  # what a person would call pages; None until it was opened
    pages: int | None = None  # how many parts there are in all, once known
    pages_read: int = 0
    passages: int = 0
    unreadable_pages: int = 0
    textless_pages: int = 0  # pages with pictures and no text
    error_code: str | None = None

    due_at: datetime = Field(sa_column=_moment())  # no attempt before; of a claimed document, the end of the lease
    hinted_at: datetime | None = Field(
        default=None, sa_column=_moment(nullable=True)
    )  # when a job was last sent for it
    lease: UUID | None = None  # the attempt that may write; whoever holds another token has lost the document
    attempts: int = 0  # since the last progress
    traceparent: str | None = None  # of the upload: reading continues its trace

    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())


class Page(Row, table=True):
    """The text that passages point into. In formats without pages it is a part of the text, cut between paragraphs."""

    __tablename__ = "page"

    document_id: UUID = Field(sa_column=Column(ForeignKey("document.id", ondelete="CASCADE"), primary_key=True))
    number: int = Field(primary_key=True)  # 1 is the first
    user_id: UUID
    content_version: int
    text: str = Field(sa_type=Text)


class Passage(Row, table=True):
    """A piece of a page: `page.text[start:end] == passage.text`, where `page.number == passage.part`.

    `change_seq` is set by a trigger at each insert and update, under an advisory lock that is held until the commit, so
    values become visible in their own order: `WHERE change_seq > :cursor ORDER BY change_seq` never skips a row. `removal`
    draws from the same sequence. Rows that are deleted are gone from here; a trigger on `document` writes the `Removal` when
    the document is deleted or its `content_version` grows. Lock the document before
    the first insert of a transaction (the foreign key touches it), and make inserts and updates its last statements: all
    other writers of passages wait meanwhile. The trigger also notifies the channel `ingestion_passages`.

    A passage counts while `content_version` equals its document's; `user_id` is the owner. `embedding` holds its
    vectors as `embedding.to_bytes` writes them; `embedding_model` is `Embedder.name`.
    """

    __tablename__ = "passage"
    __table_args__ = (
        UniqueConstraint("document_id", "chunk_index", name="uq_passage_document_id_chunk_index"),
        Index("ix_passage_change_seq", "change_seq", unique=True),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    document_id: UUID = Field(sa_column=Column(ForeignKey("document.id", ondelete="CASCADE"), nullable=False))
    user_id: UUID
    content_version: int
    page: int | None  # what a citation names; None where the format has no pages
    part: int  # the `page.number` whose text `start` and `end` count in; equals `page` where there are pages
    chunk_index: int  # 0 is the document's first passage
    start: int
    end: int
    text: str = Field(sa_type=Text)
    embedding: bytes | None = Field(default=None, sa_type=LargeBinary)
    embedding_model: str | None = None
    change_seq: int | None = Field(
        default=None,
        sa_column=Column(BigInteger, server_default=FetchedValue(), server_onupdate=FetchedValue(), nullable=False),
    )


class Removal(Row, table=True):
    """Every passage of the document whose `content_version` is below `below_version` is gone; `ALL_VERSIONS` if the document
    is. Written by triggers alone, and kept for ever: it holds ids only."""

    __tablename__ = "removal"

    change_seq: int | None = Field(
        default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=False, server_default=FetchedValue())
    )
    document_id: UUID
    user_id: UUID
    below_version: int
    removed_at: datetime = Field(sa_column=_moment())


class Rebuild(Row, table=True):
    """A wish for a new vector index, made beside the one that is there; the last one counts."""

    __tablename__ = "rebuild"

    number: int | None = Field(default=None, sa_column=Column(Integer, Identity(), primary_key=True))
    requested_at: datetime = Field(sa_column=_moment())
    embed_up_to: int = Field(default=0, sa_type=BigInteger)  # passages up to this `change_seq` are embedded anew


class StrayFile(Row, table=True):
    """A stored file that no document owns: an upload under way, or a deleted document's. Swept after `delete_after`."""

    __tablename__ = "stray_file"

    storage_key: str = Field(primary_key=True)
    delete_after: datetime = Field(sa_column=_moment())


OUTBOX = mesh.tables(tables.metadata).outbox
idempotency_table(tables.metadata)

ALL_VERSIONS = 2**31 - 1  # `Removal.below_version` of a deleted document
PASSAGE_CHANNEL = "ingestion_passages"
personal_data_tables(tables.metadata)
