"""Notifier on real PostgreSQL, Redis, RabbitMQ and sockets; only auth's public keys come from a small server."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from chassis.database import Database
from chassis.migrations import upgrade
from notifier.app import MIGRATIONS
from notifier.models import SCHEMA, tables
from sqlalchemy import text

from .campus import Campus
from .registry import Registry


@pytest.fixture(scope="session")
def notifier_database_url(postgres_url: str) -> str:
    """A database of this worker with notifier's schema: migrating one for each test would take longer than the tests."""
    name = f"notifier_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
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
async def database(notifier_database_url: str) -> AsyncIterator[Database]:
    """Notifier's schema, empty."""
    database = Database(notifier_database_url, schema=SCHEMA)
    async with database.transaction() as session:
        for table in reversed(tables.metadata.sorted_tables):
            await session.execute(text(f"DELETE FROM {table.name}"))
    yield database
    await database.close()


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    async with Registry.open() as registry:
        yield registry


@pytest.fixture
async def campus(
    database: Database, redis_url: str, amqp_url: str, registry: Registry, tmp_path: Path
) -> AsyncIterator[Campus]:
    """Everything that notifier stands on, and nothing of it running yet."""
    async with Campus.open(database, redis_url, amqp_url, registry, tmp_path) as campus:
        yield campus
