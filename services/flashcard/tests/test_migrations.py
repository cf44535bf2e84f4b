"""The migrated schema is what the models say."""

from chassis.database import Database
from chassis.migrations import differences, upgrade
from flashcard.app import MIGRATIONS
from flashcard.models import tables


async def test_migrations_make_the_models(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences, tables.metadata) == []


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await upgrade(database, MIGRATIONS, tables.metadata)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences, tables.metadata) == []
