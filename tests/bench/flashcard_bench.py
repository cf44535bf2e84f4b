"""Flashcard with 5,000,000 cards of 50,000 students: what is due, grading, the beginning of a day, Anki's packages.

USERS=5000 for a quick look. Everything lies in servers of this run and goes with them.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from cards import asking, exchanging, library, reviewing, telling
from chassis.database import Database
from devstack.local_mesh import LocalMesh
from devstack.parts import PARTS
from flashcard.scheduling import DeckOptions
from whole_mesh import whole_mesh

REVIEWERS = 50
USERS = int(os.environ.get("USERS", library.USERS))


async def measure(mesh: LocalMesh, folder: Path) -> None:
    url = mesh.environment["FLASHCARD_DATABASE_URL"]
    connection = await connected(url)
    reviewers = await reviewing.signed_up(mesh.url, REVIEWERS)
    began = time.perf_counter()
    options = DeckOptions(new_per_day=100, bury_siblings=False).model_dump_json()
    await library.fill(connection, [reviewer.id for reviewer in reviewers], options, USERS)
    administrator = await asyncpg.connect(mesh.stack.postgres.url)
    await administrator.execute(
        "CHECKPOINT"
    )  # or commits of the run would wait for what filling has left to be written
    await administrator.close()
    cards = await connection.fetchval("SELECT count(*) FROM card")
    print(f"{cards:,} cards of {USERS:,} students, made in {time.perf_counter() - began:.0f} s", flush=True)

    database = Database(url, schema="flashcard")
    students = [row["user_id"] for row in await connection.fetch("SELECT user_id FROM bench_student ORDER BY number")]
    await asking.due(database, connection, students)
    await telling.these(connection, [reviewer.id for reviewer in reviewers])
    gateway, service = f"{mesh.url}/api/v1", f"http://127.0.0.1:{mesh.ports['flashcard']}"
    await reviewing.asking(gateway, service, reviewers)
    await reviewing.grading(gateway, reviewers)
    await asking.rollover(database, students[REVIEWERS :: library.ZONES])
    await database.close()
    await telling.everybody(connection, mesh.stack.keeper.ask("status")["flashcard"]["pid"], USERS - REVIEWERS)
    await exchanging.compare(gateway, reviewers[0], folder)
    await connection.close()


async def connected(url: str) -> Any:
    """A connection of our own to flashcard's schema."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    await connection.execute("SET search_path TO flashcard")
    return connection


def main() -> None:
    parts = [part for part in PARTS if part.name in {"auth", "flashcard", "gateway"}]
    quick = {"FLASHCARD_SWEEP_SECONDS": "1", "LOG_LEVEL": "WARNING"}
    with whole_mesh(parts, **quick) as mesh, tempfile.TemporaryDirectory() as folder:
        uvloop.run(measure(mesh, Path(folder)))


if __name__ == "__main__":
    main()
