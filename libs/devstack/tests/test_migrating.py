"""A schema is migrated when its scripts or its revision changed, and not otherwise."""

from pathlib import Path

import asyncpg
import pytest
from devstack.migrating import Migrations


class Shelf:
    """A service with one script, which makes its version table."""

    def __init__(self, folder: Path, database: str) -> None:
        self.script = folder / "shelf_service" / "migrations" / "versions" / "0001.py"
        self.script.parent.mkdir(parents=True)
        self.script.write_text("first")
        package = folder / "shelf_service" / "shelf"
        package.mkdir()
        (package / "__init__.py").touch()
        self.database = database
        self.migrations = Migrations(folder / "migrated.json")

    async def to(self, revision: str) -> None:
        connection = await asyncpg.connect(self.database.replace("+asyncpg", ""))
        await connection.execute("CREATE SCHEMA IF NOT EXISTS shelf")
        await connection.execute("CREATE TABLE IF NOT EXISTS shelf.alembic_version (version_num text)")
        await connection.execute("DELETE FROM shelf.alembic_version")
        await connection.execute("INSERT INTO shelf.alembic_version VALUES ($1)", revision)
        await connection.close()

    def start(self) -> bool:
        """Whether a start migrated."""
        return self.migrations.run({"shelf": lambda: None}, {"shelf": self.database}) == ["shelf"]


@pytest.fixture
async def shelf(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    shelf = Shelf(tmp_path, database_url)
    monkeypatch.syspath_prepend(str(tmp_path / "shelf_service"))
    await shelf.to("0001")
    return shelf


def test_a_schema_is_migrated_once(shelf: Shelf) -> None:
    assert shelf.start()
    assert not shelf.start()


def test_a_new_script_is_a_reason_to_migrate(shelf: Shelf) -> None:
    shelf.start()
    (shelf.script.parent / "0002.py").write_text("second")
    assert shelf.start()


async def test_another_revision_in_the_database_is_a_reason_to_migrate(shelf: Shelf) -> None:
    shelf.start()
    await shelf.to("0000")
    assert shelf.start()


def test_a_service_whose_scripts_cannot_be_found_is_always_migrated(shelf: Shelf) -> None:
    shelf.script.unlink()
    shelf.script.parent.rmdir()
    shelf.script.parents[1].rmdir()
    assert shelf.start()
    assert shelf.start()
