"""Notifier on real PostgreSQL, Redis, RabbitMQ and sockets; only auth's public keys come from a small server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.database import Database
from devstack.service_databases import ServiceDatabases, empty
from notifier.models import SCHEMA

from .campus import Campus
from .registry import Registry


@pytest.fixture
async def database(service_databases: ServiceDatabases) -> AsyncIterator[Database]:
    """Notifier's schema, empty."""
    database = Database(await service_databases.url("notifier"), schema=SCHEMA)
    await empty(database)
    yield database
    await database.close()


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    async with Registry.open() as registry:
        yield registry


@pytest.fixture
async def campus(
    database: Database, redis_url: str, standing_amqp_url: str, registry: Registry, tmp_path: Path
) -> AsyncIterator[Campus]:
    """Everything that notifier stands on, and nothing of it running yet."""
    async with Campus.open(database, redis_url, standing_amqp_url, registry, tmp_path) as campus:
        yield campus
