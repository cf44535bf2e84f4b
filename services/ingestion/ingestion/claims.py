"""Who reads a document now. The row decides: whoever holds its lease may write, and nobody else.

A worker that dies leaves a lease that runs out; one that was only slow finds another token in the row and stops.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from mesh import Outbox
from sqlalchemy import delete, func, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ingestion import facts, metrics
from ingestion.models import SCHEMA, Document, DocumentStatus, Kind, Page, Passage

HINTS_AT_ONCE = 200
LONGEST_BACKOFF = timedelta(minutes=1)
_UNREAD = (DocumentStatus.QUEUED, DocumentStatus.PROCESSING)


class ClaimLost(Exception):
    """The document was deleted, or another worker has it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a document, and where the attempt before it came to."""

    document_id: UUID
    user_id: UUID
    lease: UUID
    kind: Kind
    storage_key: str
    content_version: int
    pages_read: int
    attempts: int
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page as it is stored."""

    number: int
    text: str
    readable: bool = True
    pictures: bool = False


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage with its vectors as they are stored; `part` is the number of its page."""

    part: int
    start: int
    end: int
    text: str
    embedding: bytes


async def next_in_turn(session: AsyncSession, now: datetime) -> UUID | None:
    """Whose turn it is: of the students who wait, one of whom the fewest documents are being read; of hers, the one that waits longest.

    Two hundred uploads of one student so do not hold up another's. None where nothing waits that others do not look at just now.
    """
    in_hand = (
        select(Document.user_id, func.count().label("documents"))
        .where(Document.status == DocumentStatus.PROCESSING, Document.due_at > now)
        .group_by(col(Document.user_id))
        .subquery()
    )
    waiting = (
        select(Document.id)
        .outerjoin(in_hand, in_hand.c.user_id == col(Document.user_id))
        .where(col(Document.status).in_(_UNREAD), Document.due_at <= now)
        .order_by(func.coalesce(in_hand.c.documents, 0), col(Document.due_at), col(Document.id))
        .limit(1)
    )
    return (await session.exec(waiting.with_for_update(of=Document, skip_locked=True))).first()


async def claim(session: AsyncSession, document_id: UUID, now: datetime, lease: timedelta, most: int) -> Claim | None:
    """Take the document, if it waits or its lease ran out; None if not. After `most` attempts without progress it fails."""
    query = select(Document).where(
        Document.id == document_id, col(Document.status).in_(_UNREAD), Document.due_at <= now
    )
    document = (await session.exec(query.with_for_update())).first()
    if document is None:
        return None
    if document.attempts >= most:
        await _fail(session, document, "document-unfinished", now)
        return None
    document.status = DocumentStatus.PROCESSING
    document.lease = uuid4()
    document.attempts += 1
    document.due_at = now + lease
    document.updated_at = now
    return Claim(
        document.id,
        document.user_id,
        document.lease,
        document.kind,
        document.storage_key,
        document.content_version,
        document.pages_read,
        document.attempts,
        document.traceparent,
    )


async def lost_jobs(session: AsyncSession, now: datetime, rehint: timedelta) -> Sequence[UUID]:
    """Documents that wait for a worker and were not hinted at lately; from now on they were."""
    due = (
        select(Document.id)
        .where(
            col(Document.status).in_(_UNREAD),
            Document.due_at <= now,
            or_(col(Document.hinted_at).is_(None), col(Document.hinted_at) <= now - rehint),
        )
        .order_by(col(Document.due_at))
        .limit(HINTS_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    hinted = update(Document).where(col(Document.id).in_(due)).values(hinted_at=now).returning(col(Document.id))
    return (await session.exec(hinted)).scalars().all()


class Desk:
    """What the holder of a claim may do with the document, in the transaction of `session`. Raises `ClaimLost`."""

    def __init__(self, session: AsyncSession, claim: Claim, now: datetime) -> None:
        self._session = session
        self._claim = claim
        self._now = now

    async def renew(self, lease: timedelta) -> None:
        """Keep the document for so long from now."""
        document = await self._hold()
        document.due_at = self._now + lease

    async def document(self) -> Document:
        """The document as it is now."""
        return await self._hold()

    async def others_wait(self) -> bool:
        """Whether a document waits that no worker has."""
        await self._hold()
        waiting = select(Document.id).where(col(Document.status).in_(_UNREAD), Document.due_at <= self._now).limit(1)
        return (await self._session.exec(waiting)).first() is not None

    async def opened(self, pages: int, has_pages: bool) -> None:
        """How much there is to read."""
        document = await self._hold()
        document.pages, document.has_pages = pages, has_pages

    async def store(self, pages: Sequence[ReadPage], passages: Sequence[NewPassage], model: str) -> Document:
        """Add the next pages with their passages. The document as it is now."""
        document = await self._hold()
        first = document.passages
        document.pages_read += len(pages)
        document.passages += len(passages)
        document.unreadable_pages += sum(not page.readable for page in pages)
        document.textless_pages += sum(page.pictures and not page.text for page in pages)
        document.attempts = 0
        document.updated_at = self._now
        self._session.add_all(
            Page(
                document_id=document.id,
                number=page.number,
                user_id=document.user_id,
                content_version=document.content_version,
                text=page.text,
            )
            for page in pages
        )
        await self._session.flush()
        # Last, because it takes the lock that orders all changes of passages.
        self._session.add_all(
            _row(document, passage, index, model) for index, passage in enumerate(passages, start=first)
        )
        await self._session.flush()
        return document

    async def finish(self) -> Document:
        """Everything is read: `ready`."""
        document = await self._hold()
        document.status = DocumentStatus.READY
        _settle(document, self._now)
        await Outbox(self._session, source=SCHEMA).add(facts.processed(document))
        return document

    async def fail(self, code: str) -> None:
        """It cannot be read, and nothing of it stays."""
        await _fail(self._session, await self._hold(), code, self._now)

    async def release(self, *, again: bool) -> None:
        """Put it back: because this worker stops or others wait, or, with `again`, to be tried a little later."""
        document = await self._hold()
        if document.pages_read == 0:
            document.status = DocumentStatus.QUEUED
        document.lease = None
        document.hinted_at = None
        if again:
            document.due_at = self._now + min(timedelta(seconds=2**document.attempts), LONGEST_BACKOFF)
        else:
            document.attempts = max(0, document.attempts - 1)
            document.due_at = self._now

    async def _hold(self) -> Document:
        query = select(Document).where(Document.id == self._claim.document_id, Document.lease == self._claim.lease)
        document = (await self._session.exec(query.with_for_update())).first()
        if document is None:
            raise ClaimLost(f"document {self._claim.document_id} is not ours any more")
        return document


def _row(document: Document, passage: NewPassage, index: int, model: str) -> Passage:
    return Passage(
        document_id=document.id,
        user_id=document.user_id,
        content_version=document.content_version,
        page=passage.part if document.has_pages else None,
        part=passage.part,
        chunk_index=index,
        start=passage.start,
        end=passage.end,
        text=passage.text,
        embedding=passage.embedding,
        embedding_model=model,
    )


def _settle(document: Document, now: datetime) -> None:
    document.version += 1
    document.lease = None
    document.updated_at = now


async def _fail(session: AsyncSession, document: Document, code: str, now: datetime) -> None:
    document.status = DocumentStatus.FAILED
    document.error_code = code
    document.pages_read = document.passages = document.unreadable_pages = document.textless_pages = 0
    document.pages = document.has_pages = None
    # Whatever was indexed of this reading is void; a trigger says so.
    document.content_version += 1
    _settle(document, now)
    await session.exec(delete(Passage).where(col(Passage.document_id) == document.id))
    await session.exec(delete(Page).where(col(Page.document_id) == document.id))
    await session.flush()
    await Outbox(session, source=SCHEMA).add(facts.failed(document))
    metrics.FAILED.labels(code).inc()
