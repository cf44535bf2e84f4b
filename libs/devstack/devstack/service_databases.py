"""A service's own schema for tests: made once for each xdist worker, which takes longer than a test, and emptied for each test."""

import importlib
import importlib.util
import os

import asyncpg
from chassis.database import Database
from chassis.migrations import upgrade
from sqlalchemy import MetaData


class ServiceDatabases:
    """This worker's databases on the server of `postgres_url`, one for each service that a test asks for."""

    def __init__(self, postgres_url: str) -> None:
        self._server = postgres_url
        self._made: dict[str, str] = {}

    async def url(self, service: str) -> str:
        """`postgresql+asyncpg://…` of a database with the service's schema, and with the rows that earlier tests left in it."""
        if service not in self._made:
            self._made[service] = await self._make(service)
        return self._made[service]

    async def _make(self, service: str) -> str:
        name = f"{service}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
        connection = await asyncpg.connect(self._server)
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        await connection.close()
        url = f"{self._server.removesuffix('/postgres')}/{name}".replace("postgresql://", "postgresql+asyncpg://")
        if (metadata := _metadata(service)).tables:
            database = Database(url, schema=service)
            await upgrade(database, importlib.import_module(f"{service}.app").MIGRATIONS, metadata)
            await database.close()
        return url


async def empty(database: Database) -> None:
    """Delete every row of the service whose schema this is."""
    async with database.transaction() as session:
        for table in reversed(_metadata(database.schema).sorted_tables):
            await session.execute(table.delete())


def _metadata(service: str) -> MetaData:
    """Its tables; none for a service that keeps no rows."""
    if importlib.util.find_spec(f"{service}.models") is None:
        return MetaData()
    metadata: MetaData = importlib.import_module(f"{service}.models").tables.metadata
    return metadata
