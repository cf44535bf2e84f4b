"""Ingestion on real PostgreSQL; what a test needs beside it is made here, small and by hand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.database import Database
from chassis.storage import Storage
from devstack.service_databases import ServiceDatabases, empty
from ingestion.models import SCHEMA
from ingestion.reading.children import Children
from ingestion.reading.limits import ReadingLimits
from ingestion.settings import Settings
from sqlalchemy import text

from .service_under_test import Clock, Service

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"


@pytest.fixture
async def database(service_databases: ServiceDatabases) -> AsyncIterator[Database]:
    """Ingestion's schema, empty."""
    database = Database(await service_databases.url("ingestion"), schema=SCHEMA, pool_size=10)
    await empty(database)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM removal"))  # deleting documents left some
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
