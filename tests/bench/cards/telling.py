"""Telling every student what is due, beside the relay with as many rows that are there already."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

import asyncpg
from memory import watched

PATIENCE_SECONDS = 600.0
_TOLD = "SELECT count(*) FROM outbox WHERE type = 'flashcard.reviews.due.v1'"
# The events of the run itself, once more.
_AGAIN = """
    INSERT INTO outbox (event_id, type, dataschema, subject, aggregate_version, data, source)
    SELECT gen_random_uuid(), type, dataschema, subject, aggregate_version, data, source
    FROM outbox WHERE type = 'flashcard.reviews.due.v1' ORDER BY position LIMIT $1
"""


async def these(connection: asyncpg.Connection, students: Sequence[UUID]) -> None:
    """The days of these students begin: from now on each review asks whether it was the last of the day."""
    await connection.execute("UPDATE student SET next_day_at = now() WHERE user_id = ANY($1)", students)
    await _sent(connection, len(students))


async def everybody(connection: asyncpg.Connection, pid: int, students: int) -> None:
    """The days of so many who were told nothing yet begin at once, in one process that counts, tells and relays."""
    there = await connection.fetchval(_TOLD)
    began = time.perf_counter()
    async with watched(pid) as size:
        await connection.execute("UPDATE student SET next_day_at = now() WHERE told_day IS NULL")
        told = await _sent(connection, there + students)
    rate = students / (told - began)
    began = time.perf_counter()
    await connection.execute(_AGAIN, students)
    relayed = students / (await _sent(connection, there + 2 * students) - began)
    share = f"share {rate / relayed:.2f}"
    print(
        f"{'reviews.due of ' + format(students, ',') + ' students, counted and published':<58} {rate:6.0f}/s   {share}"
    )
    print(f"{'the relay alone with as many rows':<58} {relayed:6.0f}/s   baseline")
    grown = f"from {size.before:.0f} MiB to at most {size.most:.0f} MiB"
    print(f"{'memory of the process meanwhile':<58} {grown}", flush=True)


async def _sent(connection: asyncpg.Connection, count: int) -> float:
    """When so many of these events were sent."""
    deadline = time.perf_counter() + PATIENCE_SECONDS
    unsent = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
    while await connection.fetchval(unsent) or await connection.fetchval(_TOLD) < count:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{await connection.fetchval(_TOLD)} of {count} events were made")
        await asyncio.sleep(0.2)
    return time.perf_counter()
