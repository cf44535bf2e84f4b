"""A database that is away is no fault of the message: it is waited for, and no attempt is counted."""

import asyncio
import random
from logging import getLogger

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mesh.database import Database
from mesh.retry import causes

log = getLogger(__name__)
_SUSPECT = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def waited_out(database: Database, error: Exception) -> bool:
    """Whether `error` came because the database was away; if so, returns when it answers again."""
    # A service's own Database may wrap what the driver said.
    suspect = any(isinstance(cause, _SUSPECT) for cause in causes(error))
    if not suspect or await _answers(database):
        return False
    log.warning("the database does not answer (%s); waiting", type(error).__name__)
    while True:
        await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - spreads load, guards nothing
        if await _answers(database):
            return True


async def _answers(database: Database) -> bool:
    try:
        async with asyncio.timeout(5), database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception:  # whatever it is, this was the plainest of questions
        return False
    return True
