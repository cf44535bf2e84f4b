"""Flashcard on real PostgreSQL and real HTTP; auth's keys are a small server."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from chassis.database import Database
from chassis.migrations import upgrade
from flashcard.app import MIGRATIONS
from flashcard.models import SCHEMA, tables
from sqlalchemy import text

from .desk import Desk


@pytest.fixture(scope="session")
def flashcard_database_url(postgres_url: str) -> str:
    """A database of this worker with flashcard's schema."""
    name = f"flashcard_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    url = f"{postgres_url.removesuffix('/postgres')}/{name}".replace("postgresql://", "postgresql+asyncpg://")

    async def make() -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        await connection.close()
        database = Database(url, schema=SCHEMA)
        await upgrade(database, MIGRATIONS, tables.metadata)
        await database.close()

    asyncio.run(make())
    return url


@pytest.fixture
async def database(flashcard_database_url: str) -> AsyncIterator[Database]:
    """Flashcard's schema, empty."""
    database = Database(flashcard_database_url, schema=SCHEMA)
    async with database.transaction() as session:
        for table in reversed(tables.metadata.sorted_tables):
            await session.execute(text(f"DELETE FROM {table.name}"))
    yield database
    await database.close()


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    """Flashcard behind HTTP, with a clock that can be set."""
    async with Desk.open(database, tmp_path) as desk:
        yield desk
