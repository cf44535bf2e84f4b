"""Auth on real PostgreSQL."""

import asyncio
import os
from collections.abc import AsyncIterator

import asyncpg
import pytest
from auth.app import MIGRATIONS
from auth.models import SCHEMA, tables
from auth.settings import Settings
from chassis.database import Database
from chassis.migrations import upgrade
from sqlalchemy import text

from .auth_service import Service, TestClock


@pytest.fixture(scope="session")
def auth_database_url(postgres_url: str) -> str:
    """A database of this worker with auth's schema: migrating one for each test would take longer than the tests."""
    name = f"auth_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
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
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
async def database(auth_database_url: str) -> AsyncIterator[Database]:
    """Auth's schema, empty."""
    database = Database(auth_database_url, schema=SCHEMA, pool_size=10)
    async with database.transaction() as session:
        for table in reversed(tables.metadata.sorted_tables):
            await session.execute(text(f"DELETE FROM {table.name}"))
    yield database
    await database.close()


@pytest.fixture
def settings() -> Settings:
    """Cheap hashing; the defaults otherwise."""
    return Settings(environment="test", hashing_memory_kib=8, hashing_passes=1)


@pytest.fixture
async def auth(database: Database, clock: TestClock, settings: Settings) -> AsyncIterator[Service]:
    service = Service(database, clock, settings)
    yield service
    service.parts.passwords.close()
