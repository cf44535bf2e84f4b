"""What a document's row says to the mesh, when it happens and whenever it is said again."""

from contracts.ingestion import DocumentFailed, DocumentProcessed, DocumentUploaded

from ingestion.failures import FAILURES
from ingestion.models import Document


def uploaded(document: Document) -> DocumentUploaded:
    """It is stored, and has yet to be read."""
    return DocumentUploaded(
        version=document.version,
        document_id=document.id,
        user_id=document.user_id,
        title=document.title,
        kind=document.kind.value,
        bytes=document.size,
    )


def processed(document: Document) -> DocumentProcessed:
    """It can be searched whole."""
    assert document.pages is not None
    return DocumentProcessed(
        version=document.version,
        document_id=document.id,
        user_id=document.user_id,
        title=document.title,
        content_version=document.content_version,
        pages=document.pages,
        passages=document.passages,
    )


def failed(document: Document) -> DocumentFailed:
    """It could not be read."""
    assert document.error_code is not None
    return DocumentFailed(
        version=document.version,
        document_id=document.id,
        user_id=document.user_id,
        title=document.title,
        code=document.error_code,
        detail=FAILURES[document.error_code].detail,
    )
