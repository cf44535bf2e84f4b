"""A service's own schema in PostgreSQL, and the rule that a transaction ends at the edge.

Code inside the edge is given a session and never commits. The edge (a request, a message, a job) opens one with
`Database.transaction()` and lets it go before anything slow begins.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import MetaData, event, text
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as PlainAsyncSession
from sqlalchemy.orm import Session as PlainSession
from sqlalchemy.orm import registry
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from chassis.errors import Unavailable

# A connection that lay in the pool for longer is asked whether it is still there, and has this long to answer.
TRUSTED_SECONDS = 30.0
ANSWER_SECONDS = 2.0
NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def table_registry() -> registry:
    """A registry of a service's own, so that two services' models can live in one process.

    `models.py` says `class Table(SQLModel, registry=table_registry())`, and then `class Document(Table, table=True)`: a class
    that is itself given a registry is abstract and makes no table.
    """
    return registry(metadata=MetaData(naming_convention=NAMING))


class _SyncSession(Session):
    # SQLModel warns at each execute(), in favour of exec(). That one takes no text(), which we need, too.
    execute = PlainSession.execute


class _Session(AsyncSession):
    sync_session_class = _SyncSession
    execute = PlainAsyncSession.execute


class DatabaseAway(Unavailable):
    """No connection to PostgreSQL can be had; the cause says why."""

    type, title = "database-away", "The database cannot be reached"


class Database:
    """Sessions on one service's schema. `url` is an asyncpg URL of the service's own role; `schema` is its search path.

    A statement that takes longer than `statement_seconds` raises `TimeoutError`: a frozen server would hold a request for ever.
    None is for work that is slow by right, such as a migration.
    """

    def __init__(
        self,
        url: str,
        *,
        schema: str,
        pool_size: int = 5,
        pool_timeout: float = 10.0,
        statement_seconds: float | None = 15.0,
    ) -> None:
        self.url = url
        self.schema = schema
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=pool_timeout,
            hide_parameters=True,  # they would stand in logged errors: addresses, hashes, texts of students
            connect_args={
                "server_settings": {
                    "search_path": schema,
                    "application_name": schema,
                    "timezone": "UTC",
                    "jit": "off",  # it pays for reports, and makes a short statement whose cost was guessed too high wait
                    # A process that is frozen inside a transaction must not keep its locks.
                    "idle_in_transaction_session_timeout": "60s",
                },
                "timeout": 10,
                "command_timeout": statement_seconds,
                "async_creator_fn": _connect,
            },
        )
        event.listen(self.engine.sync_engine, "checkin", _lay_down)
        event.listen(self.engine.sync_engine, "checkout", _hand_on)
        self._single = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sessions = async_sessionmaker(self.engine, class_=_Session, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose transaction commits when the block ends and rolls back when it raises."""
        session = self._sessions()
        try:
            async with session.begin():
                yield session
        except BaseException:
            async with session:
                raise
        # After a commit it holds no connection, and so needs no task that closes it whatever happens.
        session.sync_session.close()

    @asynccontextmanager
    async def statements(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement is a transaction by itself: for a single one that reads, and is in haste."""
        async with self._single.connect() as connection:
            yield connection

    async def check(self) -> None:
        """Raise unless the database answers."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()


async def _connect(*arguments: Any, **options: Any) -> Any:
    # Here and nowhere later an OSError surely means the database: a missing file is one, too.
    try:
        return await asyncpg.connect(*arguments, **options)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseAway("The service cannot reach its database. Try again in a moment.") from error


def _lay_down(_connection: Any, record: Any) -> None:
    record.info["idle_since"] = monotonic()


def _hand_on(connection: Any, record: Any, _: Any) -> None:
    # `pool_pre_ping` asks each time, in three round trips. What the server closed the driver knows; only of a line that was
    # cut without a word, which some networks do to idle ones, it hears nothing before it speaks.
    if connection.driver_connection.is_closed():
        raise DisconnectionError
    if monotonic() - record.info.get("idle_since", monotonic()) > TRUSTED_SECONDS:
        try:
            connection.run_async(lambda driver: driver.execute("SELECT 1", timeout=ANSWER_SECONDS))
        except Exception as error:  # whatever it is, this was the plainest of questions
            raise InvalidatePoolError from error


async def database_of(request: Request) -> Database:
    """The database that the composition root gave to the application."""
    database = request.app.state.database
    assert isinstance(database, Database)
    return database


async def _session(
    database: Annotated[Database, Depends(database_of)],
) -> AsyncIterator[AsyncSession]:
    async with database.transaction() as session:
        yield session


DatabaseDep = Annotated[Database, Depends(database_of)]
# scope="function": the transaction ends before the first byte of the answer, so what a client was told is committed.
SessionDep = Annotated[AsyncSession, Depends(_session, scope="function")]
