"""Real schemas of all services, made once for each worker."""

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from chassis.database import Database
from chassis.migrations import upgrade

from .copies import COPIES
from .harness import Copy

Urls = Callable[[str], str]


@pytest.fixture(scope="session")
def migrated(postgres_url: str) -> Urls:
    """The URL of a database with a service's schema."""
    known: dict[str, str] = {}

    def url_of(service: str) -> str:
        if service not in known:
            name = f"convergence_{service}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
            known[service] = asyncio.run(_make(postgres_url, name, service))
        return known[service]

    return url_of


async def _make(postgres_url: str, name: str, service: str) -> str:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await connection.close()
    url = f"{postgres_url.removesuffix('/postgres')}/{name}".replace("postgresql://", "postgresql+asyncpg://")
    if importlib.util.find_spec(f"{service}.models") is not None:
        models, app = (importlib.import_module(f"{service}.{module}") for module in ("models", "app"))
        database = Database(url, schema=models.SCHEMA)
        await upgrade(database, app.MIGRATIONS, models.tables.metadata)
        await database.close()
    return url


@pytest.fixture(params=COPIES, ids=lambda copy: f"{copy.service}-{copy.__name__.lower()}")
def copied(request: pytest.FixtureRequest, migrated: Urls) -> type[Copy]:
    """The class of a copy, its schema made."""
    kind: type[Copy] = request.param
    migrated(kind.service)
    return kind


@pytest.fixture
async def copy(copied: type[Copy], migrated: Urls) -> AsyncIterator[Copy]:
    database = Database(migrated(copied.service), schema=copied.service, pool_size=10)
    yield copied(database)
    await database.close()
