"""Chat on real PostgreSQL and real HTTP, its neighbours played by small servers."""

from collections.abc import AsyncIterator

import pytest
from chassis.database import Database
from chat.models import SCHEMA
from devstack.service_databases import ServiceDatabases, empty
from devstack.serving import serving
from mesh import EphemeralEvent, EphemeralPublisher

from .neighbours import Neighbours
from .school import Json, School


@pytest.fixture
async def database(service_databases: ServiceDatabases) -> AsyncIterator[Database]:
    """Chat's schema, empty."""
    database = Database(await service_databases.url("chat"), schema=SCHEMA)
    await empty(database)
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
