"""The work on one document: read, cut, embed, store, a few pages at a time, in short transactions between long waits."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from logging import getLogger
from typing import Protocol
from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database
from chassis.storage import Storage
from contracts.ingestion import DocumentProgressed
from mesh import EphemeralEvent
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ingestion.claims import Claim, ClaimLost, Desk, NewPassage, ReadPage, claim, next_in_turn
from ingestion.embedding import Embedder, EmbeddingFailed, to_bytes
from ingestion.failures import ReadingFailed
from ingestion.models import Document, Kind
from ingestion.passages import Cutter, Piece
from ingestion.reading.children import Children
from ingestion.reading.frames import Opened
from ingestion.reading.reader import Reading
from ingestion.reading.running_lines import Body, bodies

log = getLogger(__name__)
tracer = trace.get_tracer(__name__)
MOST_PAGES = 64
MOST_PASSAGES = 128
# What one call of the model may take: documents take turns at it, and a new one's first page waits for the turns of all others.
TURN_SECONDS = 1.0
# How long one document keeps its place at a worker while others wait for one.
SLICE_SECONDS = 20.0
DEATHS_PER_ATTEMPT = 4
# How long a stopping worker waits for the pages at hand before it gives them up.
STOP_SECONDS = 5.0


class News(Protocol):
    """Where progress is told."""

    async def publish(self, event: EphemeralEvent) -> None: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a claim lasts, and how many attempts without progress a document gets.

    A worker's death says little of the documents that it had: it is killed for other reasons, and the others die beside the one
    that kills it. So it takes more deaths than errors to give a document up.
    """

    lease: timedelta
    attempts: int

    @property
    def deaths(self) -> int:
        """Attempts that may end with their worker."""
        return self.attempts * DEATHS_PER_ATTEMPT


@dataclass(slots=True)
class _Batch:
    pages: list[ReadPage] = field(default_factory=list)
    pieces: list[tuple[int, Piece]] = field(default_factory=list)

    def add(self, page: ReadPage, pieces: Sequence[Piece]) -> None:
        self.pages.append(page)
        self.pieces += ((page.number, piece) for piece in pieces)


class Pace:
    """How many passages to embed at once: one at first, so that the first page is found soon, then what takes a turn."""

    def __init__(self) -> None:
        self.passages = 1

    def took(self, seconds: float) -> None:
        """Say how long the last call took, its wait for other documents' turns included."""
        if seconds < TURN_SECONDS / 2:
            self.passages = min(self.passages * 2, MOST_PASSAGES)
        elif seconds > TURN_SECONDS * 1.5:
            self.passages = max(self.passages // 2, 1)


class Stopping(Exception):
    """This process was told to stop."""


class Yielding(Exception):
    """The document had its time, and others wait."""


class Processing:
    """Takes documents from `queued` to `ready` or `failed`. One per worker process."""

    def __init__(
        self,
        *,
        database: Database,
        storage: Storage,
        children: Children,
        embedder: Embedder,
        news: News,
        terms: Terms,
        clock: Clock,
        stop: asyncio.Event,
    ) -> None:
        self._database = database
        self._storage = storage
        self._children = children
        self._embedder = embedder
        self._news = news
        self.terms = terms
        self._clock = clock
        self._stop = stop
        self._cutter = Cutter()

    async def process(self, hinted: UUID) -> None:
        """Read the document whose turn it is; nothing if none waits. A hint is for any: there is one for each that waits."""
        async with self._database.transaction() as session:
            now = self._clock()
            document_id = await next_in_turn(session, now) or hinted
            claimed = await claim(session, document_id, now, self.terms.lease, self.terms.deaths)
        if claimed is None:
            return
        carrier = {"traceparent": claimed.traceparent} if claimed.traceparent else {}
        context = TraceContextTextMapPropagator().extract(carrier)
        with tracer.start_as_current_span("read document", context, attributes={"document.id": str(document_id)}):
            try:
                await self._attempt(claimed)
            except ClaimLost as lost:
                log.info("%s", lost)

    async def _attempt(self, claimed: Claim) -> None:
        try:
            async with self._watched(claimed):
                await self._read(claimed)
        except ClaimLost:
            raise
        except ReadingFailed as failed:
            log.info("document %s cannot be read: %s", claimed.document_id, failed.code)
            async with self._desk(claimed) as desk:
                await desk.fail(failed.code)
        except (Stopping, Yielding):
            async with self._desk(claimed) as desk:
                await desk.release(again=False)
        except EmbeddingFailed as failed:
            log.warning("document %s cannot be embedded: %s", claimed.document_id, failed)
            await self._put_back(claimed, "embedding-unavailable")
        except Exception:
            log.exception("reading document %s went wrong", claimed.document_id)
            await self._put_back(claimed, "document-unfinished")

    async def _put_back(self, claimed: Claim, code: str) -> None:
        async with self._desk(claimed) as desk:
            if claimed.attempts >= self.terms.attempts:
                await desk.fail(code)
            else:
                await desk.release(again=True)

    async def _read(self, claimed: Claim) -> None:
        last: Document | None = None
        pace = Pace()
        began = time.monotonic()
        async with (
            self._storage.local_copy(claimed.storage_key) as path,
            aclosing(self._batches(claimed, str(path), pace)) as batches,
        ):
            async for batch in batches:
                last = await self._store(claimed, batch, pace)
                await self._tell(last)
                if self._stop.is_set():
                    raise Stopping
                if last.pages_read < (last.pages or 0) and time.monotonic() - began > SLICE_SECONDS:
                    began = time.monotonic()
                    async with self._desk(claimed) as desk:
                        if await desk.others_wait():
                            raise Yielding
        async with self._desk(claimed) as desk:
            document = last or await desk.document()
            if document.passages == 0:
                raise ReadingFailed("document-scanned" if document.textless_pages else "document-empty")
            await self._tell(await desk.finish())

    async def _batches(self, claimed: Claim, path: str, pace: Pace) -> AsyncGenerator[_Batch]:
        batch = _Batch()
        reading = Reading(self._children, path, claimed.kind, first=claimed.pages_read + 1)
        async with aclosing(reading.parts()) as parts, aclosing(bodies(parts)) as read:
            async for body in read:
                if isinstance(body, Opened):
                    async with self._desk(claimed) as desk:
                        await desk.opened(body.parts, body.has_pages)
                    continue
                batch.add(*self._cut(body, markdown=claimed.kind is Kind.MARKDOWN))
                if len(batch.pieces) >= pace.passages or len(batch.pages) >= MOST_PAGES:
                    yield batch
                    batch = _Batch()
        if batch.pages:
            yield batch

    def _cut(self, body: Body, *, markdown: bool) -> tuple[ReadPage, list[Piece]]:
        text = body.part.text or ""
        page = ReadPage(body.part.number, text, body.part.text is not None, body.part.pictures)
        return page, self._cutter.cut(text, body.start, body.end, markdown=markdown)

    async def _store(self, claimed: Claim, batch: _Batch, pace: Pace) -> Document:
        asked = time.monotonic()
        texts = [piece.text for _, piece in batch.pieces]
        vectors = await self._embedder.embed_passages(texts) if texts else []
        pace.took(time.monotonic() - asked)
        passages = [
            NewPassage(part, piece.start, piece.end, piece.text, to_bytes(windows))
            for (part, piece), windows in zip(batch.pieces, vectors, strict=True)
        ]
        async with self._desk(claimed) as desk:
            document = await desk.store(batch.pages, passages, self._embedder.name)
            # A tenth of the pages lost is not a document that a student can rely on.
            if document.unreadable_pages * 10 > (document.pages or 0):
                raise ReadingFailed("document-damaged")
            return document

    async def _tell(self, document: Document) -> None:
        progress = document.pages_read / document.pages if document.pages else 0.0
        await self._news.publish(
            DocumentProgressed(
                version=document.version,
                document_id=document.id,
                user_id=document.user_id,
                progress=min(progress, 1.0),
                pages_read=document.pages_read,
                pages=document.pages,
            )
        )

    @asynccontextmanager
    async def _desk(self, claimed: Claim) -> AsyncIterator[Desk]:
        async with self._database.transaction() as session:
            yield Desk(session, claimed, self._clock())

    @asynccontextmanager
    async def _watched(self, claimed: Claim) -> AsyncIterator[None]:
        """Keep the lease while the block runs. The block is left with `ClaimLost` when the lease is lost, and with `Stopping`
        when the process stops and the next pages take too long."""
        work = asyncio.current_task()
        assert work is not None
        reasons: list[Exception] = []

        async def watch() -> None:
            while not await _happens(self._stop, within=self.terms.lease.total_seconds() / 3):
                if (lost := await self._renew(claimed)) is not None:
                    reasons.append(lost)
                    work.cancel()
                    return
            await asyncio.sleep(STOP_SECONDS)
            reasons.append(Stopping())
            work.cancel()

        watching = asyncio.create_task(watch(), name="lease")
        try:
            yield
        except asyncio.CancelledError:
            if reasons and work.uncancel() == 0:
                raise reasons[0] from None
            raise
        finally:
            watching.cancel()

    async def _renew(self, claimed: Claim) -> ClaimLost | None:
        try:
            async with self._desk(claimed) as desk:
                await desk.renew(self.terms.lease)
        except ClaimLost as lost:
            return lost
        except Exception as error:  # the next renewal may succeed, and if none does the lease runs out
            log.warning("the lease of document %s cannot be renewed: %r", claimed.document_id, error)
        return None


async def _happens(event: asyncio.Event, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            return await event.wait()
    except TimeoutError:
        return False
