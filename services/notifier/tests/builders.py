"""Builders of what other services say."""

from uuid import UUID, uuid4

from contracts.chat import MessageAnswered, MessageAsked
from contracts.ingestion import DocumentDeleted, DocumentFailed, DocumentProcessed, DocumentProgressed, DocumentUploaded
from contracts.notifier import NotificationDelivered

from .campus import Student


def uploaded(student: Student, document: UUID, *, title: str = "Biology") -> DocumentUploaded:
    return DocumentUploaded(version=1, document_id=document, user_id=student.id, title=title, kind="pdf", bytes=1000)


def progressed(student: Student, document: UUID, progress: float = 0.5) -> DocumentProgressed:
    return DocumentProgressed(version=1, document_id=document, user_id=student.id, progress=progress, pages_read=1)


def processed(
    student: Student, document: UUID | None = None, *, version: int = 3, title: str = "Biology", pages: int = 12
) -> DocumentProcessed:
    return DocumentProcessed(
        version=version,
        document_id=document or uuid4(),
        user_id=student.id,
        title=title,
        content_version=1,
        pages=pages,
        passages=40,
    )


def failed(student: Student, document: UUID | None = None, *, version: int = 3) -> DocumentFailed:
    return DocumentFailed(
        version=version,
        document_id=document or uuid4(),
        user_id=student.id,
        title="Biology",
        code="document-scanned",
        detail="The pages are pictures without text. Upload a version with text.",
    )


def deleted(student: Student, document: UUID, *, version: int = 4) -> DocumentDeleted:
    return DocumentDeleted(version=version, document_id=document, user_id=student.id)


def delivered(student: Student, notification: UUID) -> NotificationDelivered:
    return NotificationDelivered(
        version=1, notification_id=notification, user_id=student.id, kind="document_ready", channel="in_app"
    )


def asked(student: Student) -> MessageAsked:
    return MessageAsked(message_id=uuid4(), session_id=uuid4(), question_id=uuid4(), user_id=student.id, attempt=1)


def answered(student: Student, *, followed: bool = False) -> MessageAnswered:
    ids = {"message_id": uuid4(), "session_id": uuid4(), "user_id": student.id}
    return MessageAnswered(version=2, **ids, citations=[], offline=True, followed=followed)
