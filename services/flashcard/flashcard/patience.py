"""How long a request waits for a lock that another transaction has. Some hold many rows for longer, as imports do, and whoever waits
holds a connection that all students share: so it is a second, and then a 503 that says to come again."""

from typing import Any, TypeVar

from sqlalchemy import Select, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

Asked = TypeVar("Asked", bound=Select[*tuple[Any, ...]])
PATIENCE = "1s"
_IMPATIENT = select(func.set_config("lock_timeout", PATIENCE, True))
_AT_ONCE = _IMPATIENT.cte("impatient")


def impatient(statement: Asked) -> Asked:
    """The statement, which locks rows: it and what its transaction locks after it wait a second. It costs no round trip, since rows
    are locked when they were found, and PostgreSQL finds none before this is set."""
    return statement.join(_AT_ONCE, true())


async def lose_patience(session: AsyncSession) -> None:
    """The same for what this transaction locks from now on."""
    await session.execute(_IMPATIENT)
