"""How much waits in the outbox, measured also while the broker is away: that is when somebody needs to know."""

import asyncio

from sqlalchemy import text

from mesh import metrics
from mesh.database import Database
from mesh.supervision import wait_for_any

MEASURE_SECONDS = 5.0
# After which a database that does not answer is one that is away.
ANSWER_SECONDS = 10.0
MEASURE = text("""
    SELECT count(*) AS depth, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS age
    FROM outbox WHERE sent_at IS NULL
""")


async def keep_measuring(database: Database, service: str, stop: asyncio.Event) -> None:
    """Keep depth and age of the service's outbox up to date until `stop` is set; when the database is away there are none."""
    try:
        while not stop.is_set():
            async with asyncio.timeout(ANSWER_SECONDS), database.engine.connect() as connection:
                row = (await connection.execute(MEASURE)).one()
            metrics.OUTBOX_DEPTH.labels(service).set(row.depth)
            metrics.OUTBOX_AGE.labels(service).set(row.age)
            await wait_for_any(stop, seconds=MEASURE_SECONDS)
    finally:
        # A last value that stands still would look like an outbox that is in order.
        metrics.OUTBOX_DEPTH.remove(service)
        metrics.OUTBOX_AGE.remove(service)
