"""A student's own documents. There is no way to a row of somebody else's: each query names the owner."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from chassis.errors import Conflict, NotFound
from chassis.personal_data import erase_user
from contracts.ingestion import DocumentDeleted
from mesh import Outbox
from sqlalchemy import delete, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from ingestion import facts
from ingestion.failures import FAILURES
from ingestion.models import SCHEMA, Document, DocumentStatus, Page, StrayFile, tables
from ingestion.uploads import Upload

LAST_PAGE = 2**31 - 1
# A worker whose clock is behind must not take a document that waits for one that is not due yet.
CLOCKS_DIFFER = timedelta(minutes=1)


class DocumentNotFound(NotFound):
    type = "document-not-found"

    def __init__(self) -> None:
        super().__init__("There is no such document among yours. It may have been deleted.")


class PageNotFound(NotFound):
    type = "page-not-found"


class NotFailed(Conflict):
    type = "document-not-failed"


class UploadExpired(Conflict):
    type, title = "upload-expired", "The upload took too long"


class Library:
    """The documents of `owner`, in the transaction of `session`."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner
        self._outbox = Outbox(session, source=SCHEMA)

    async def add(self, upload: Upload, document_id: UUID, now: datetime, traceparent: str | None) -> Document | None:
        """A new document, `queued`; None where the same bytes are there already.

        Raises `UploadExpired` where the file was given up and swept in the meantime.
        """
        document = Document(
            id=document_id,
            user_id=self._owner,
            title=upload.title,
            filename=upload.filename,
            kind=upload.kind,
            size=upload.size,
            sha256=upload.sha256,
            storage_key=upload.storage_key,
            due_at=now - CLOCKS_DIFFER,
            hinted_at=now,
            traceparent=traceparent,
            created_at=now,
            updated_at=now,
        )
        added = insert(Document).values(document.model_dump()).on_conflict_do_nothing().returning(col(Document.id))
        if (await self._session.exec(added)).first() is None:
            return None
        claimed = (
            delete(StrayFile)
            .where(col(StrayFile.storage_key) == upload.storage_key)
            .returning(col(StrayFile.storage_key))
        )
        if (await self._session.exec(claimed)).first() is None:
            raise UploadExpired("The upload took too long and was given up. Send it again.")
        await self._outbox.add(facts.uploaded(document))
        return document

    async def with_bytes(self, sha256: bytes) -> Document | None:
        """The document of these bytes."""
        return (await self._session.exec(self._mine().where(Document.sha256 == sha256))).first()

    async def get(self, document_id: UUID) -> Document:
        """Raises `DocumentNotFound`, for somebody else's as well."""
        found = (await self._session.exec(self._mine().where(Document.id == document_id))).first()
        if found is None:
            raise DocumentNotFound
        return found

    async def newest(self, limit: int, after: tuple[datetime, UUID] | None) -> Sequence[Document]:
        """Documents from the newest to the oldest, those behind the one with this creation time and id."""
        place = tuple_(col(Document.created_at), col(Document.id))
        query = self._mine().order_by(col(Document.created_at).desc(), col(Document.id).desc()).limit(limit)
        if after is not None:
            query = query.where(place < after)
        return (await self._session.exec(query)).all()

    async def page(self, document_id: UUID, number: int) -> tuple[Document, str]:
        """The document, and the text of its page, or of its part where it has no pages."""
        document = await self.get(document_id)
        query = select(Page.text).where(
            Page.user_id == self._owner,
            Page.document_id == document_id,
            Page.content_version == document.content_version,
            Page.number == number,
        )
        text = (await self._session.exec(query)).first() if 1 <= number <= LAST_PAGE else None
        if text is None:
            raise PageNotFound(_no_page(document, number))
        return document, text

    async def retry(self, document_id: UUID, now: datetime) -> Document:
        """Queue a failed document again. Raises `NotFailed` for any other."""
        document = await self._locked(document_id)
        if document.status is not DocumentStatus.FAILED:
            raise NotFailed("Only a document that failed can be tried again. Delete it to upload it anew.")
        document.status = DocumentStatus.QUEUED
        document.error_code = None
        document.attempts = 0
        document.due_at = now - CLOCKS_DIFFER
        document.hinted_at = document.updated_at = now
        await self._session.flush()
        return document

    async def delete(self, document_id: UUID, now: datetime) -> str:
        """Delete the document with all that was made of it, also while it is read; the key of the file to discard."""
        document = await self._locked(document_id)
        self._session.add(StrayFile(storage_key=document.storage_key, delete_after=now))
        await self._session.exec(delete(Document).where(col(Document.id) == document_id))
        await self._outbox.add(
            DocumentDeleted(version=document.version + 1, document_id=document_id, user_id=self._owner)
        )
        return document.storage_key

    async def _locked(self, document_id: UUID) -> Document:
        query = self._mine().where(Document.id == document_id).with_for_update()
        found = (await self._session.exec(query)).first()
        if found is None:
            raise DocumentNotFound
        return found

    def _mine(self) -> SelectOfScalar[Document]:
        return select(Document).where(Document.user_id == self._owner)


async def erase(session: AsyncSession, owner: UUID, now: datetime) -> None:
    """Delete everything of a user who is gone."""
    library = Library(session, owner)
    for document_id in (await session.exec(select(Document.id).where(Document.user_id == owner))).all():
        await library.delete(document_id, now)
    await session.flush()
    # Removals tell the index what to forget, and go when it has.
    await erase_user(session, tables.metadata, owner, keep={"removal"})


def _no_page(document: Document, number: int) -> str:
    what = "page" if document.has_pages is not False else "part"
    if document.status is DocumentStatus.FAILED:
        return f"This document could not be read. {FAILURES[document.error_code or 'document-unfinished'].detail}"
    if document.pages is not None and not 1 <= number <= document.pages:
        return f"This document has {document.pages} {what}s; there is no {what} {number}."
    return f"The {what} {number} has not been read yet. Try again in a moment."
