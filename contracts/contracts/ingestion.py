"""What ingestion tells the mesh."""

from typing import Literal
from uuid import UUID

from mesh import EphemeralEvent, Event
from pydantic import Field

from contracts.personal_data import DataErased, DataExported

DocumentKind = Literal["pdf", "docx", "txt", "md"]


class DocumentUploaded(Event, type="ingestion.document.uploaded", version=1, aggregate="document_id"):
    """A student's file is stored; reading it has yet to begin."""

    document_id: UUID
    user_id: UUID
    title: str
    kind: DocumentKind
    bytes: int = Field(ge=1)


class DocumentProgressed(EphemeralEvent, type="ingestion.document.progressed", version=1, aggregate="document_id"):
    """How far the reading is. May be lost; the state can always be fetched."""

    document_id: UUID
    user_id: UUID
    progress: float = Field(ge=0, le=1)
    pages_read: int = Field(ge=0)
    pages: int | None = Field(None, ge=0, description="Pages in all, where that is known yet")


class DocumentProcessed(Event, type="ingestion.document.processed", version=1, aggregate="document_id"):
    """A document can be searched whole. Published once per document and content version."""

    document_id: UUID
    user_id: UUID
    title: str
    content_version: int = Field(ge=1)
    pages: int = Field(ge=1)
    passages: int = Field(ge=1)


class DocumentFailed(Event, type="ingestion.document.failed", version=1, aggregate="document_id"):
    """A document could not be read, and why, in words for the student."""

    document_id: UUID
    user_id: UUID
    title: str
    code: str = Field(description="Stable, for programs, such as document-scanned")
    detail: str = Field(description="For the student: what is wrong and what to do")


class DocumentDeleted(Event, type="ingestion.document.deleted", version=1, aggregate="document_id"):
    """The document is gone, and with it everything that was made from it here."""

    document_id: UUID
    user_id: UUID


class IngestionDataErased(DataErased, type="ingestion.user_data.erased", version=1, aggregate="user_id"):
    """Ingestion keeps nothing of the user any more."""


class IngestionDataExported(DataExported, type="ingestion.user_data.exported", version=1, aggregate="export_id"):
    """What ingestion keeps of the user waits to be fetched."""
