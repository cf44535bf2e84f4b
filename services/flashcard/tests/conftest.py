"""Flashcard on real PostgreSQL and real HTTP; auth's keys are a small server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.database import Database
from devstack.service_databases import ServiceDatabases, empty
from flashcard.models import SCHEMA

from .desk import Desk


@pytest.fixture
async def database(service_databases: ServiceDatabases) -> AsyncIterator[Database]:
    """Flashcard's schema, empty."""
    database = Database(await service_databases.url("flashcard"), schema=SCHEMA)
    await empty(database)
    yield database
    await database.close()


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    """Flashcard behind HTTP, with a clock that can be set."""
    async with Desk.open(database, tmp_path) as desk:
        yield desk
