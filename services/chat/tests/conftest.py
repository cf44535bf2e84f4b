"""Chat on real PostgreSQL and real HTTP, its neighbours played by small servers."""

import asyncio
import os
from collections.abc import AsyncIterator

import asyncpg
import pytest
from chassis.database import Database
from chassis.migrations import upgrade
from chat.app import MIGRATIONS
from chat.models import SCHEMA, tables
from mesh import EphemeralEvent, EphemeralPublisher
from sqlalchemy import text

from .neighbours import Neighbours
from .school import Json, School
from .serving import serving


@pytest.fixture(scope="session")
def chat_database_url(postgres_url: str) -> str:
    """A database of this worker with chat's schema: migrating one for each test would take longer than the tests."""
    name = f"chat_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
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
async def database(chat_database_url: str) -> AsyncIterator[Database]:
    """Chat's schema, empty."""
    database = Database(chat_database_url, schema=SCHEMA)
    async with database.transaction() as session:
        for table in reversed(tables.metadata.sorted_tables):
            await session.execute(text(f"DELETE FROM {table.name}"))
    yield database
    await database.close()


@pytest.fixture
async def neighbours(redis_url: str) -> AsyncIterator[Neighbours]:
    neighbours = Neighbours(redis_url=redis_url)
    async with serving(neighbours.app()) as url:
        neighbours.url = url
        yield neighbours


@pytest.fixture
async def school(database: Database, neighbours: Neighbours) -> AsyncIterator[School]:
    """Chat without a language model."""
    async with School.open(database, neighbours) as school:
        yield school


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[Json]:
    """What chat tells the mesh at once, and keeps nowhere."""
    told: list[Json] = []

    async def publish(_: EphemeralPublisher, event: EphemeralEvent) -> None:
        told.append(event.model_dump(mode="json"))

    monkeypatch.setattr(EphemeralPublisher, "publish", publish)
    return told
