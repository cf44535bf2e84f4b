"""Migrations: run by each service on its own schema, one process at a time, all of it or nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from chassis.database import Database
from chassis.migrations import differences, upgrade
from sqlalchemy import Column, Integer, MetaData, Table, Text, text
from sqlalchemy.exc import DBAPIError

FIRST = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None

def upgrade():
    op.create_table("note", sa.Column("id", sa.Integer, nullable=False), sa.PrimaryKeyConstraint("id", name="pk_note"))
"""
SECOND = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"

def upgrade():
    op.add_column("note", sa.Column("words", sa.Text))
"""
BROKEN = """
from alembic import op

revision, down_revision = "0002", "0001"

def upgrade():
    op.execute("CREATE TABLE half (id int)")
    op.execute("SELECT nothing FROM nowhere")
"""


def notes() -> MetaData:
    metadata = MetaData()
    Table("note", metadata, Column("id", Integer, primary_key=True), Column("words", Text))
    return metadata


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0001_note.py").write_text(FIRST)
    return tmp_path


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, schema="tests")
    yield database
    await database.close()


async def tables_of(database: Database) -> set[str]:
    async with database.transaction() as session:
        found = await session.execute(
            text(
                "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema IN ('tests', 'public')"
            )
        )
        return {str(row[0]) for row in found}


async def differing(database: Database) -> list[object]:
    async with database.engine.connect() as connection:
        return await connection.run_sync(differences, notes())


async def test_a_new_schema_is_made_and_filled(database: Database, folder: Path) -> None:
    await upgrade(database, folder, notes())
    assert await tables_of(database) == {"tests.note", "tests.alembic_version"}


async def test_models_that_are_ahead_of_the_migrations_are_found(database: Database, folder: Path) -> None:
    await upgrade(database, folder, notes())
    assert "words" in str(await differing(database))
    (folder / "versions" / "0002_words.py").write_text(SECOND)
    await upgrade(database, folder, notes())
    assert await differing(database) == []


async def test_processes_that_migrate_at_once_do_it_once(database: Database, folder: Path) -> None:
    (folder / "versions" / "0002_words.py").write_text(SECOND)
    await asyncio.gather(*(upgrade(database, folder, notes()) for _ in range(4)))
    assert await differing(database) == []


async def test_a_migration_that_fails_leaves_nothing_behind(database: Database, folder: Path) -> None:
    (folder / "versions" / "0002_broken.py").write_text(BROKEN)
    with pytest.raises(DBAPIError):
        await upgrade(database, folder, notes())
    assert await tables_of(database) == set()


async def test_a_role_that_may_make_no_schema_migrates_in_the_one_it_was_given(database_url: str, folder: Path) -> None:
    admin = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    name = f"role_{database_url.rsplit('/', 1)[1]}"
    await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'; CREATE SCHEMA tests AUTHORIZATION {name}")
    try:
        address = database_url.rsplit("@", 1)[-1]
        poor = Database(f"postgresql+asyncpg://{name}:x@{address}", schema="tests")
        await upgrade(poor, folder, notes())
        assert "tests.note" in await tables_of(poor)
        await poor.close()
    finally:
        await admin.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
        await admin.close()
