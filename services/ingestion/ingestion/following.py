"""Keeping one shelf equal to the passages in PostgreSQL."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from logging import getLogger
from uuid import UUID

import numpy as np
from chassis.database import Database
from numpy.typing import NDArray
from sqlalchemy import bindparam, select, update
from sqlmodel import col

from ingestion.changes import BATCH, ChangedPassage, Changes, changes_after
from ingestion.embedding import Embedder, from_bytes, mean, to_bytes
from ingestion.models import Document, Passage, tables
from ingestion.vectors import PassageVectors, Progress, Shelf
from ingestion.words import passage_words

log = getLogger(__name__)

POLL_SECONDS = 2.0
LONGEST_PAUSE = 30.0
EMBED_AT_ONCE = 16
"""Few, so that the texts of an upload that is under way get their turn."""

Vectors = NDArray[np.float32]


class Follower:
    """Reads the changes into a shelf, again from its cursor if anything goes wrong: every step may be repeated.

    A passage that another model embedded is embedded here; `keep` says whether PostgreSQL takes these vectors over, as it
    does for the model that is to be. `embed_up_to`: changes up to this number are embedded whatever they have.
    """

    def __init__(
        self,
        shelf: Shelf,
        progress: Progress,
        database: Database,
        embedder: Embedder,
        *,
        keep: bool,
        embed_up_to: int = 0,
        poll_seconds: float = POLL_SECONDS,
        on_complete: Callable[[], None] = lambda: None,
    ) -> None:
        self.shelf = shelf
        self.progress = progress
        self.embedder = embedder
        self.wake = asyncio.Event()
        self._database = database
        self._keep = keep
        self._embed_up_to = embed_up_to
        self._poll = poll_seconds
        self._on_complete = on_complete

    async def run(self) -> None:
        """Follow until cancelled."""
        pause = 0.5
        while True:
            self.wake.clear()
            try:
                more = await self.step()
                pause = 0.5
            except Exception as error:  # whatever it is, the shelf is only late, and the next try begins at its cursor
                log.warning("the index %s is not up to date, trying again in %g s: %r", self.shelf.name, pause, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            if not more:
                await wait(self.wake, self._poll)

    async def step(self, limit: int = BATCH) -> bool:
        """Take in the next changes. Whether to take another step at once.

        A shelf is complete when a step finds nothing: what was found may have taken long to embed, and more come meanwhile.
        """
        async with self._database.transaction() as session:
            changes = await changes_after(session, self.progress.cursor, limit)
        if changes.cursor > self.progress.cursor:
            await self._apply(changes)
            await self._advance(replace(self.progress, cursor=changes.cursor))
        elif not self.progress.complete:
            await self._advance(replace(self.progress, complete=True))
            self._on_complete()
        return changes.more or not self.progress.complete

    async def _advance(self, progress: Progress) -> None:
        await self.shelf.advance(progress)
        self.progress = progress

    async def _apply(self, changes: Changes) -> None:
        foreign = [passage for passage in changes.passages if self._stored(passage) is None]
        made = await self._embed(foreign) if foreign else {}
        known = [(passage, made.get(passage.id, self._stored(passage))) for passage in changes.passages]
        # In a thread, because counting the words of a batch takes a tenth of a second.
        points = await asyncio.to_thread(_points, known)
        if points:
            await self.shelf.upsert(points)
        for removal in changes.removals:
            await self.shelf.delete_document(removal.document_id, below_version=removal.below_version)

    def _stored(self, passage: ChangedPassage) -> Vectors | None:
        """The passage's vectors, if they are this model's."""
        if passage.embedding_model != self.progress.model or passage.change_seq <= self._embed_up_to:
            return None
        try:
            return from_bytes(passage.embedding or b"", self.progress.dimensions)
        except ValueError:
            return None

    async def _embed(self, passages: Sequence[ChangedPassage]) -> dict[UUID, Vectors]:
        """Vectors of what the shelf does not have yet and PostgreSQL has not from this model."""
        missing = await self.shelf.missing([passage.id for passage in passages])
        wanted = [passage for passage in passages if passage.id in missing]
        made: dict[UUID, Vectors] = {}
        for at in range(0, len(wanted), EMBED_AT_ONCE):
            part = wanted[at : at + EMBED_AT_ONCE]
            vectors = await self.embedder.embed_passages([passage.text for passage in part])
            fresh = {passage.id: one for passage, one in zip(part, vectors, strict=True)}
            if self._keep:
                await self._store(part, fresh)
            made |= fresh
        return made

    async def _store(self, passages: Sequence[ChangedPassage], vectors: dict[UUID, Vectors]) -> None:
        async with self._database.transaction() as session:
            # Documents first, like everybody who writes passages: the other way round, two could wait for each other.
            documents = {passage.document_id for passage in passages}
            await session.execute(
                select(Document.id).where(col(Document.id).in_(documents)).order_by(col(Document.id)).with_for_update()  # type: ignore[call-overload]  # SQLModel's columns
            )
            table = tables.metadata.tables[str(Passage.__tablename__)]
            await session.execute(
                update(table)
                .where(table.c.id == bindparam("passage_id"))
                .values(embedding=bindparam("vectors"), embedding_model=self.progress.model),
                [{"passage_id": key, "vectors": to_bytes(value)} for key, value in vectors.items()],
            )


def _points(passages: Sequence[tuple[ChangedPassage, Vectors | None]]) -> list[PassageVectors]:
    """Of those that have vectors; the others are in the shelf already."""
    return [
        PassageVectors(
            passage_id=passage.id,
            user_id=passage.user_id,
            document_id=passage.document_id,
            content_version=passage.content_version,
            chunk_index=passage.chunk_index,
            page=passage.page,
            vector=mean(vectors),
            words=passage_words(passage.text),
        )
        for passage, vectors in passages
        if vectors is not None
    ]


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, or so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
