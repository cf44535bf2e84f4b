"""What the API says of documents."""

from datetime import datetime
from typing import Self
from uuid import UUID

from chassis.errors import TYPE_BASE
from pydantic import BaseModel, Field

from ingestion.failures import FAILURES
from ingestion.models import Document, DocumentStatus, Kind


class DocumentError(BaseModel):
    """Why a document failed: as in a problem document, `type` is for programs and `detail` for the student."""

    type: str
    code: str
    title: str
    detail: str
    retryable: bool = Field(description="Whether trying the same file again may help")


class DocumentOut(BaseModel):
    """A document and how far its reading is."""

    id: UUID
    title: str
    filename: str
    kind: Kind
    bytes: int
    status: DocumentStatus
    progress: float = Field(ge=0, le=1)
    has_pages: bool | None = Field(description="Whether the format has pages; null until it was opened")
    pages: int | None = Field(description="Pages in all, or parts of a text without pages; null until it was opened")
    pages_read: int
    passages: int
    notice: str | None = Field(None, description="What could not be read of a document that is otherwise ready")
    error: DocumentError | None = None
    version: int
    content_version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, document: Document) -> Self:
        return cls(
            id=document.id,
            title=document.title,
            filename=document.filename,
            kind=document.kind,
            bytes=document.size,
            status=document.status,
            progress=_progress(document),
            has_pages=document.has_pages,
            pages=document.pages,
            pages_read=document.pages_read,
            passages=document.passages,
            notice=_notice(document),
            error=_error(document),
            version=document.version,
            content_version=document.content_version,
            created_at=document.created_at,
            updated_at=document.updated_at,
        )


class PageOut(BaseModel):
    """The text of one page. Passages and citations count their offsets in it, in characters."""

    document_id: UUID
    document_title: str
    number: int = Field(description="1 is the first")
    has_pages: bool = Field(description="False: the format has no pages, and this is a part of the text")
    pages: int = Field(description="How many there are in all")
    text: str


def _progress(document: Document) -> float:
    if document.status is DocumentStatus.READY:
        return 1.0
    return min(document.pages_read / document.pages, 1.0) if document.pages else 0.0


def _error(document: Document) -> DocumentError | None:
    if document.status is not DocumentStatus.FAILED or document.error_code is None:
        return None
    failure = FAILURES[document.error_code]
    return DocumentError(
        type=TYPE_BASE + document.error_code,
        code=document.error_code,
        title=failure.title,
        detail=failure.detail,
        retryable=failure.passing,
    )


def _notice(document: Document) -> str | None:
    said = []
    if document.textless_pages:
        said.append(
            f"{_pages(document.textless_pages)} of {document.pages} hold pictures without text: they look scanned."
        )
    if document.unreadable_pages:
        said.append(f"{_pages(document.unreadable_pages)} of {document.pages} could not be read.")
    return " ".join((*said, "What they show cannot be searched.")) if said else None


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count} pages"
