"""What is kept of a user: all of it goes into the copy, and none of it stays."""

import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.database import Database
from chassis.personal_data import (
    erase_again,
    erase_user,
    forget_old_exports,
    is_erased,
    personal_data_tables,
    prepare_export,
)
from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Text, Uuid, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

METADATA = MetaData()
NOTES = Table(
    "note",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid),
    Column("text", Text),
    Column("digest", LargeBinary),
    Column("token_sealed", Text),
    Column("at", DateTime(timezone=True)),
)
COUNTS = Table("count", METADATA, Column("name", Text, primary_key=True))
personal_data_tables(METADATA)
EXPORTS, ERASED = METADATA.tables["data_export"], METADATA.tables["erased_user"]
ADA, BOB = uuid4(), uuid4()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url.replace("postgresql://", "postgresql+asyncpg://"), schema="public")
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    async with database.transaction() as session:
        for owner in (ADA, BOB):
            row = {"id": uuid4(), "user_id": owner, "text": f"of {owner}", "digest": b"x", "token_sealed": "s"}
            await session.execute(insert(NOTES).values(row | {"at": datetime(2026, 11, 26, tzinfo=UTC)}))
        await session.execute(insert(COUNTS).values(name="nobody's"))
    yield database
    await database.close()


async def notes_of(database: Database, owner: UUID) -> int:
    async with database.transaction() as session:
        return len((await session.execute(select(NOTES).where(NOTES.c.user_id == owner))).all())


async def exported(database: Database) -> list[dict[str, Any]]:
    async with database.transaction() as session:
        content = (await session.execute(select(EXPORTS.c.content))).scalar_one()
    return [json.loads(line) for line in gzip.decompress(content).decode().splitlines()]


async def test_a_copy_holds_every_row_of_the_user_and_no_secret(database: Database) -> None:
    export_id = uuid4()
    async with database.transaction() as session:
        size = await prepare_export(session, METADATA, export_id, ADA)
        assert await prepare_export(session, METADATA, export_id, ADA) == size, "the event came twice"
    (line,) = await exported(database)
    assert (line["table"], line["text"], line["at"]) == ("note", f"of {ADA}", "2026-11-26T00:00:00+00:00")
    assert not {"digest", "token_sealed"} & set(line)


async def test_tables_that_say_nothing_more_are_left_out(database: Database) -> None:
    async with database.transaction() as session:
        await prepare_export(session, METADATA, uuid4(), ADA, without={"note"})
    assert await exported(database) == []


async def test_nothing_is_left_of_a_user_who_is_erased_and_nothing_of_others_goes(database: Database) -> None:
    async with database.transaction() as session:
        await prepare_export(session, METADATA, uuid4(), ADA)
        await erase_user(session, METADATA, ADA)
        await erase_user(session, METADATA, ADA)
        assert await is_erased(session, ADA)
        assert not await is_erased(session, BOB)
        assert (await session.execute(select(EXPORTS))).all() == []
        assert len((await session.execute(select(COUNTS))).all()) == 1
    assert (await notes_of(database, ADA), await notes_of(database, BOB)) == (0, 1)


async def test_what_is_to_be_kept_is_kept(database: Database) -> None:
    async with database.transaction() as session:
        await erase_user(session, METADATA, ADA, keep={"note"})
    assert await notes_of(database, ADA) == 1


async def settled(database: Database) -> set[UUID]:
    async with database.transaction() as session:
        return set((await session.scalars(select(ERASED.c.user_id).where(ERASED.c.settled))).all())


async def hours_later(database: Database, hours: int) -> None:
    earlier = ERASED.c.erased_at - timedelta(hours=hours)
    async with database.transaction() as session:
        await session.execute(update(ERASED).values(erased_at=earlier))


async def erase(session: AsyncSession, user_id: UUID) -> None:
    await erase_user(session, METADATA, user_id)


async def test_who_is_gone_is_erased_again_until_nothing_can_come_any_more(database: Database) -> None:
    async with database.transaction() as session:
        await erase(session, ADA)
    for hours, kept in ((0, 0), (200, 0), (0, 1)):
        async with database.transaction() as session:
            await session.execute(insert(NOTES).values(id=uuid4(), user_id=ADA, text="late"))
        await hours_later(database, hours)
        await erase_again(database, erase)
        assert await notes_of(database, ADA) == kept
    assert await settled(database) == {ADA}
    assert await notes_of(database, BOB) == 1


async def test_who_cannot_be_erased_again_keeps_nobody_else_waiting(database: Database) -> None:
    async with database.transaction() as session:
        await erase(session, ADA)
        await erase(session, BOB)
    await hours_later(database, 2)

    async def fail_for_ada(session: AsyncSession, user_id: UUID) -> None:
        await session.execute(text("SELECT 1 / :divisor"), {"divisor": int(user_id != ADA)})

    await erase_again(database, fail_for_ada)
    assert await settled(database) == {BOB}
    await erase_again(database, erase)
    assert await settled(database) == {ADA, BOB}


async def test_copies_that_nobody_fetched_are_forgotten(database: Database) -> None:
    async with database.transaction() as session:
        await prepare_export(session, METADATA, uuid4(), ADA)
        await forget_old_exports(session, datetime.now(UTC) + timedelta(days=6))
        assert len((await session.execute(select(EXPORTS))).all()) == 1
        await forget_old_exports(session, datetime.now(UTC) + timedelta(days=8))
        assert (await session.execute(select(EXPORTS))).all() == []
