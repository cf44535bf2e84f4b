"""Bringing schemas up to date, and knowing when they are: each migration otherwise costs the start of a whole service."""

import hashlib
import importlib.util
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg

from devstack.administrator import Administrator
from devstack.places import write_private

Migrate = Callable[[], None]


class Migrations:
    """Runs what must run. `kept` remembers which scripts made which revision; the database is asked whether it still has it."""

    def __init__(self, kept: Path) -> None:
        self._kept = kept

    def run(self, migrate: Mapping[str, Migrate], databases: Mapping[str, str]) -> list[str]:
        """Migrate the services that need it, side by side; returns their names. `databases` are asyncpg URLs by service."""
        kept: dict[str, str] = json.loads(self._kept.read_text()) if self._kept.exists() else {}
        needed = [name for name in migrate if kept.get(name, "") != state(name, databases.get(name))]
        with ThreadPoolExecutor() as pool:
            for outcome in [pool.submit(migrate[name]) for name in needed]:
                outcome.result()
        if needed:
            kept |= {name: found for name in needed if (found := state(name, databases.get(name)))}
            write_private(self._kept, json.dumps(kept))
        return needed


def state(service: str, database: str | None) -> str | None:
    """What the service's scripts are and which revision its schema is at; None where either cannot be told."""
    folder = scripts(service)
    if folder is None or database is None:
        return None
    digest = hashlib.sha256()
    for script in sorted(folder.rglob("*.py")):
        digest.update(script.read_bytes())
    try:
        with Administrator(database.replace("+asyncpg", "", 1)) as connection:
            revision = connection.value(f'SELECT version_num FROM "{service}".alembic_version')  # noqa: S608  # our own name
    except (OSError, asyncpg.PostgresError):
        return None
    return f"{digest.hexdigest()} {revision}"


def scripts(service: str) -> Path | None:
    """The folder of a service's migrations, beside its package."""
    found = importlib.util.find_spec(service)
    folder = Path(found.origin).parents[1] / "migrations" if found and found.origin else None
    return folder if folder and folder.is_dir() else None
