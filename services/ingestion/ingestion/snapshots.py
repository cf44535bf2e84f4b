"""What ingestion can say of documents as they are now, those that are gone included."""

from collections.abc import Sequence
from uuid import UUID

from contracts.ingestion import DocumentDeleted, DocumentFailed, DocumentProcessed, DocumentUploaded
from mesh import LAST_VERSION, Event, Snapshots
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ingestion.facts import failed, processed, uploaded
from ingestion.models import ALL_VERSIONS, Document, DocumentStatus, Removal

snapshots = Snapshots()


@snapshots.of(DocumentUploaded, DocumentProcessed, DocumentFailed)
async def documents(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Event]:
    """Every document that there is."""
    statement = select(Document).order_by(col(Document.id)).limit(limit)
    if after is not None:
        statement = statement.where(col(Document.id) > after)
    return [_present(document) for document in (await session.execute(statement)).scalars().all()]


@snapshots.of(DocumentDeleted)
async def deleted_documents(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Event]:
    """Every document that was deleted: a consumer that missed it would keep it for ever."""
    gone = select(Removal.document_id, Removal.user_id).where(Removal.below_version == ALL_VERSIONS)
    if after is not None:
        gone = gone.where(col(Removal.document_id) > after)
    rows = await session.execute(gone.order_by(col(Removal.document_id)).limit(limit))
    return [DocumentDeleted(version=LAST_VERSION, document_id=row.document_id, user_id=row.user_id) for row in rows]


def _present(document: Document) -> Event:
    match document.status:
        case DocumentStatus.READY:
            return processed(document)
        case DocumentStatus.FAILED:
            return failed(document)
        case _:
            return uploaded(document)
