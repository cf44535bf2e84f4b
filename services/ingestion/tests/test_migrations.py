"""The migrated schema is what the models say, and its triggers keep the order of changes."""

import asyncio
from uuid import UUID, uuid4

from chassis.database import Database
from chassis.migrations import differences
from ingestion.models import ALL_VERSIONS, tables
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

DOCUMENT = text("""
    INSERT INTO document (id, user_id, title, filename, kind, size, sha256, storage_key, status, version, content_version,
                          pages_read, passages, unreadable_pages, textless_pages, attempts, due_at, created_at, updated_at)
    VALUES (:id, :id, 't', 'f', 'txt', 1, :sha256, 'k', 'ready', 1, 1, 0, 0, 0, 0, 0, now(), now(), now())
""")
PASSAGE = text("""
    INSERT INTO passage (id, document_id, user_id, content_version, part, chunk_index, start, "end", text)
    VALUES (:id, :document, :document, 1, 1, :index, 0, 1, 't')
""")


async def add_document(session: AsyncSession) -> UUID:
    document = uuid4()
    await session.execute(DOCUMENT, {"id": document, "sha256": document.bytes})
    return document


async def add_passage(session: AsyncSession, document: UUID, index: int = 0) -> None:
    await session.execute(PASSAGE, {"id": uuid4(), "document": document, "index": index})


async def changes(session: AsyncSession, after: int = 0) -> list[int]:
    """What a tail sees now."""
    found = await session.execute(
        text("SELECT change_seq FROM passage WHERE change_seq > :after ORDER BY change_seq"), {"after": after}
    )
    return list(found.scalars())


async def removals(session: AsyncSession) -> list[tuple[UUID, int]]:
    found = await session.execute(text("SELECT document_id, below_version FROM removal ORDER BY change_seq"))
    return [(row[0], row[1]) for row in found]


async def test_models_and_migrations_agree(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences, tables.metadata) == []


async def test_a_tail_never_sees_a_later_change_before_an_earlier_one(database: Database) -> None:
    async with database.transaction() as session:
        document = await add_document(session)
    written = asyncio.Event()
    commit = asyncio.Event()

    async def slow() -> None:
        async with database.transaction() as session:
            await add_passage(session, document, 0)
            written.set()
            await commit.wait()

    async def quick() -> None:
        async with database.transaction() as session:
            await add_passage(session, document, 1)

    first = asyncio.create_task(slow())
    await written.wait()
    second = asyncio.create_task(quick())
    # The second waits for the first one's commit, however long that takes.
    done, _ = await asyncio.wait({second}, timeout=0.3)
    assert not done
    async with database.transaction() as session:
        assert await changes(session) == []
    commit.set()
    await asyncio.gather(first, second)
    async with database.transaction() as session:
        seen = await changes(session)
    assert len(seen) == 2


async def test_a_change_of_a_passage_comes_again(database: Database) -> None:
    async with database.transaction() as session:
        document = await add_document(session)
        await add_passage(session, document)
    async with database.transaction() as session:
        (before,) = await changes(session)
    async with database.transaction() as session:
        await session.execute(text("UPDATE passage SET embedding_model = 'other'"))
    async with database.transaction() as session:
        (after,) = await changes(session, after=before)
    assert after > before


async def test_deleting_a_document_leaves_a_removal_behind_its_passages(database: Database) -> None:
    async with database.transaction() as session:
        document = await add_document(session)
        await add_passage(session, document)
    async with database.transaction() as session:
        (seen,) = await changes(session)
        await session.execute(text("DELETE FROM document"))
    async with database.transaction() as session:
        assert await changes(session) == []
        assert await removals(session) == [(document, ALL_VERSIONS)]
        (at,) = (await session.execute(text("SELECT change_seq FROM removal"))).scalars()
    assert at > seen


async def test_new_content_voids_the_older(database: Database) -> None:
    async with database.transaction() as session:
        document = await add_document(session)
    async with database.transaction() as session:
        await session.execute(text("UPDATE document SET content_version = 2"))
        await session.execute(text("UPDATE document SET title = 'same content'"))
    async with database.transaction() as session:
        assert await removals(session) == [(document, 2)]
