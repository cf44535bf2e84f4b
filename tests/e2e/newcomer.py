"""A service that is added to a mesh with history: it keeps a copy of documents and users, and came when they were there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from chassis.database import Database
from contracts.auth import UserProfileChanged, UserRegistered
from contracts.ingestion import DocumentDeleted, DocumentProcessed
from mesh import Event, Subscriptions, tables
from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

metadata = MetaData()
tables(metadata)
known = Table(
    "known",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("gone", Boolean, nullable=False),
)
bus = Subscriptions("newcomer")


async def keep(session: AsyncSession, event: Event, kind: str, title: str, *, gone: bool = False) -> None:
    row = {"id": UUID(event.aggregate_id), "kind": kind, "version": event.version, "title": title, "gone": gone}
    statement = insert(known).values(row)
    newer = statement.on_conflict_do_update(
        index_elements=["id"], set_=row, where=known.c.version < statement.excluded.version
    )
    await session.execute(newer)


@bus.on(DocumentProcessed, DocumentDeleted)
async def keep_document(event: DocumentProcessed | DocumentDeleted, session: AsyncSession) -> None:
    """Documents that can be studied, and tombstones of those that are gone."""
    if isinstance(event, DocumentDeleted):
        await keep(session, event, "document", "", gone=True)
    else:
        await keep(session, event, "document", event.title)


@bus.on(UserRegistered, UserProfileChanged)
async def keep_user(event: UserRegistered | UserProfileChanged, session: AsyncSession) -> None:
    """Users by name."""
    await keep(session, event, "user", event.name)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Its database, empty."""
    database = Database(url, schema="public")
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


async def knows(database: Database, kind: str) -> dict[UUID, tuple[str, bool]]:
    """Title and whether it is gone, by id."""
    async with database.transaction() as session:
        rows = await session.execute(select(known).where(known.c.kind == kind))
        return {row.id: (row.title, row.gone) for row in rows}
