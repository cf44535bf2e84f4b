"""What the mesh asks of a service's database."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


class Database(Protocol):
    """Sessions on one service's schema, which the search path of its connections names."""

    @property
    def engine(self) -> AsyncEngine:
        """The engine, on asyncpg."""

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A session whose transaction commits when the block ends and rolls back when it raises."""


@asynccontextmanager
async def driver_connection(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """An asyncpg connection of its own, outside the pool: for LISTEN, and for batches that need no ORM."""
    pooled = await database.engine.raw_connection()
    driver = pooled.driver_connection
    assert isinstance(driver, asyncpg.Connection)
    # Detached, so that a connection that listens never comes into the hands of those who borrow one for a transaction.
    pooled.detach()
    try:
        yield driver
    finally:
        try:
            await driver.close(timeout=2)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            driver.terminate()
