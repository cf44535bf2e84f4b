"""The due query in the database beside the bare indexed one, and one zone's rollover."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from chassis.clock import system_clock
from chassis.database import Database
from chassis.study_day import StudyDay
from flashcard.queue import Queues
from flashcard.rollover import BATCH, Rollovers, Today
from sqlalchemy import event

from cards.figures import line

ASKED = 1000
_BARE = """
    SELECT id FROM card WHERE user_id = $1 AND phase = 'review' AND NOT suspended AND due_day <= $2 ORDER BY due_day LIMIT 20
"""


class Statements:
    """How long the database took for the statements of a block, the way there and back included."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = 0.0

    def before(self, *_: Any) -> None:
        self._began = time.perf_counter()

    def after(self, *_: Any) -> None:
        self.seconds += time.perf_counter() - self._began


@contextmanager
def counted(database: Database) -> Iterator[Statements]:
    """Statements of this database that are executed in the block."""
    found, engine = Statements(), database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", found.before)
    event.listen(engine, "after_cursor_execute", found.after)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", found.before)
        event.remove(engine, "after_cursor_execute", found.after)


async def due(database: Database, bare: asyncpg.Connection, students: Sequence[UUID]) -> None:
    """What `GET /flashcards/due` asks, of students drawn by chance, in turns with one lookup in the index."""
    dice, today = random.Random(5), date.today()
    ends_at = StudyDay().end_of(today)
    queued, looked = [], []
    for owner in dice.choices(students, k=ASKED):
        began = time.perf_counter()
        await bare.fetch(_BARE, owner, today)
        looked.append(time.perf_counter() - began)
        async with database.transaction() as session:
            with counted(database) as took:
                await Queues(session, owner).now(system_clock(), today, ends_at, None, 20)
        queued.append(took.seconds)
    line("the bare indexed query", looked, "baseline")
    line("due, in the database", queued, "bound p99 5 ms")


async def rollover(database: Database, students: Sequence[UUID]) -> None:
    """What is due to all students of one zone, in the batches in which it is asked."""
    scans, day = [], date.today()
    today = Today(day, StudyDay().start_of(day), StudyDay().end_of(day))
    for _ in range(10):
        async with database.transaction() as session:
            with counted(database) as took:
                for start in range(0, len(students), BATCH):
                    await Rollovers(session).waiting(dict.fromkeys(students[start : start + BATCH], today))
        scans.append(took.seconds)
    line(f"the scan for a zone's rollover, {len(students):,} students", scans, "bound 100 ms")
