"""A service's database, with the mesh's tables and a ledger of effects."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mesh import Event, Outbox, tables
from sqlalchemy import Column, Identity, Integer, MetaData, Table, Text, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine


class Home:
    """One service's database. Handlers write effects with `INSERT INTO effects (note)`; nothing makes them unique."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = create_async_engine(url, pool_size=10, pool_pre_ping=True, connect_args={"timeout": 5})
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._metadata = MetaData()
        self.outbox, self.inbox = tables(self._metadata)
        self._effects = Table(
            "effects", self._metadata, Column("id", Integer, Identity(), primary_key=True), Column("note", Text)
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with self._sessions() as session, session.begin():
            yield session

    async def create(self) -> None:
        async with self.engine.begin() as connection:
            await connection.run_sync(self._metadata.create_all)

    async def say(self, *events: Event) -> None:
        async with self.transaction() as session:
            await Outbox(session, "tests").add(*events)

    async def effects(self) -> list[str]:
        async with self.transaction() as session:
            return list(await session.scalars(select(self._effects.c.note).order_by(self._effects.c.note)))

    async def unsent(self) -> int:
        async with self.transaction() as session:
            statement = select(func.count()).select_from(self.outbox).where(self.outbox.c.sent_at.is_(None))
            return await session.scalar(statement) or 0

    async def execute(self, statement: str) -> None:
        async with self.transaction() as session:
            await session.execute(text(statement))
