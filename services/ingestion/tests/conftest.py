"""Ingestion on real PostgreSQL; what a test needs beside it is made here, small and by hand."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from chassis.database import Database
from chassis.migrations import upgrade
from chassis.storage import Storage
from ingestion.app import MIGRATIONS
from ingestion.models import SCHEMA, tables
from ingestion.reading.children import Children
from ingestion.reading.limits import ReadingLimits
from ingestion.settings import Settings
from sqlalchemy import text

from .service_under_test import Clock, Service

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"


@pytest.fixture(scope="session")
def ingestion_database_url(postgres_url: str) -> str:
    """A database of this worker with ingestion's schema: migrating one for each test would take longer than the tests."""
    name = f"ingestion_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
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
async def database(ingestion_database_url: str) -> AsyncIterator[Database]:
    """Ingestion's schema, empty."""
    database = Database(ingestion_database_url, schema=SCHEMA, pool_size=10)
    async with database.transaction() as session:
        for table in reversed(tables.metadata.sorted_tables):
            await session.execute(text(f"DELETE FROM {table.name}"))
        # Deleting documents left removals.
        await session.execute(text("DELETE FROM removal"))
    yield database
    await database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """An empty folder."""
    return Storage((tmp_path / "files").as_uri())


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    """Reading children with limits that a test can wait for."""
    async with Children(ReadingLimits(page_seconds=10, cpu_seconds=10)) as children:
        yield children


@pytest.fixture
async def service(database: Database, redis_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Service]:
    """The service in this process, with a model that is not one."""
    settings = Settings(environment="test", redis_url=redis_url, data_dir=tmp_path, max_upload_bytes=2 * 1024 * 1024)
    async with Service(settings, database, clock) as service:
        yield service


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The corpus beside the repository, where it is."""
    if not CORPUS.is_dir():
        pytest.skip(f"the corpus is not there: {CORPUS.name} beside the repository")
    return CORPUS
