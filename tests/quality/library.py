"""A corpus as the product has it: read, cut, embedded, stored, indexed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from chassis.database import Database
from ingestion.embedding import to_bytes
from ingestion.index import PassageIndex
from ingestion.minilm import MiniLM
from ingestion.models import Document, Kind, Passage
from ingestion.passages import Cutter
from ingestion.reading.children import Children
from ingestion.reading.limits import ReadingLimits
from ingestion.reading.reader import Reading
from ingestion.reading.running_lines import Body, bodies
from ingestion.search import LocalSearch
from ingestion.settings import Settings

from .corpora import Result

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shelved:
    """A student with these documents, and what searches them."""

    owner: UUID
    database: Database
    model: MiniLM
    index: PassageIndex
    search: LocalSearch
    passages: list[tuple[str, Passage]]
    """Each with the name of its file."""

    def result(self, found: tuple[str, Passage], score: float) -> Result:
        file, passage = found
        return Result(file, passage.page, passage.text, score)


@asynccontextmanager
async def shelved(database: Database, folder: Path, files: Iterable[Path]) -> AsyncIterator[Shelved]:
    """Have the files read, and search running, for the length of the block."""
    model, owner = MiniLM(folder), uuid4()
    passages: list[tuple[str, Passage]] = []
    async with Children(ReadingLimits()) as children:
        cutter = Cutter()
        for file in files:
            cut = await _read(children, cutter, file, owner)
            await _store(database, model, file, cut)
            passages += ((file.name, passage) for passage in cut)
    # A folder of its own: an index that is there already is complete before it has read what is new.
    index = PassageIndex(Settings(environment="test", data_dir=folder / str(owner)), database, model)
    stop = asyncio.Event()
    role = asyncio.create_task(index.run(stop))
    try:
        await _complete(index)
        yield Shelved(owner, database, model, index, LocalSearch(database, index), passages)
    finally:
        stop.set()
        await role
        await index.close()
        await model.close()


async def _complete(index: PassageIndex) -> None:
    async with asyncio.timeout(120):
        while not (index._served and index._served[0].complete):  # noqa: ASYNC110 (no event tells it)
            await asyncio.sleep(0.1)


async def _read(children: Children, cutter: Cutter, file: Path, owner: UUID) -> list[Passage]:
    """A document's passages, as a worker cuts them."""
    document, kind = uuid4(), Kind(file.suffix[1:])
    passages: list[Passage] = []
    paged = False
    async with aclosing(Reading(children, str(file), kind).parts()) as parts, aclosing(bodies(parts)) as found:
        async for body in found:
            if not isinstance(body, Body):
                paged = body.has_pages
                continue
            for piece in cutter.cut(body.part.text or "", body.start, body.end, markdown=kind is Kind.MARKDOWN):
                passages.append(
                    Passage(
                        document_id=document,
                        user_id=owner,
                        content_version=1,
                        page=body.part.number if paged else None,
                        part=body.part.number,
                        chunk_index=len(passages),
                        start=piece.start,
                        end=piece.end,
                        text=piece.text,
                    )
                )
    return passages


async def _store(database: Database, model: MiniLM, file: Path, passages: list[Passage]) -> None:
    """The rows that a worker leaves."""
    vectors = await model.embed_passages([passage.text for passage in passages])
    for passage, one in zip(passages, vectors, strict=True):
        passage.embedding, passage.embedding_model = to_bytes(one), model.name
    document = Document(
        id=passages[0].document_id,
        user_id=passages[0].user_id,
        title=file.name,
        filename=file.name,
        kind=Kind(file.suffix[1:]),
        size=1,
        sha256=file.name.encode(),
        storage_key=file.name,
        due_at=NOW,
        created_at=NOW,
        updated_at=NOW,
    )
    async with database.transaction() as session:
        session.add(document)
        await session.flush()
        session.add_all(passages)
