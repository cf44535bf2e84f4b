"""Auth on real PostgreSQL."""

from collections.abc import AsyncIterator

import pytest
from auth.models import SCHEMA
from auth.settings import Settings
from chassis.database import Database
from devstack.service_databases import ServiceDatabases, empty

from .auth_service import Service, TestClock


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
async def database(service_databases: ServiceDatabases) -> AsyncIterator[Database]:
    """Auth's schema, empty."""
    database = Database(await service_databases.url("auth"), schema=SCHEMA, pool_size=10)
    await empty(database)
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
