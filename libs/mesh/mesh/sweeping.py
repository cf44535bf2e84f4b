"""Retention: what was sent and received long ago is removed, a little at a time."""

from datetime import timedelta

from sqlalchemy import TextClause, text

from mesh.database import Database

BATCH = 5000
_OUTBOX = text("""
    DELETE FROM outbox WHERE position = ANY(ARRAY(
        SELECT position FROM outbox WHERE created_at < now() - CAST(:keep AS interval) AND sent_at IS NOT NULL LIMIT :batch))
""")
_INBOX = text("""
    DELETE FROM inbox WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM inbox WHERE received_at < now() - CAST(:keep AS interval) LIMIT :batch))
""")


async def sweep(database: Database, keep: timedelta) -> int:
    """Remove outbox rows that were sent and are older than `keep`; how many rows went, inbox included.

    Inbox rows are kept for twice as long: whatever can still be published again must still be recognised.
    """
    removed = 0
    for statement, age in ((_OUTBOX, keep), (_INBOX, 2 * keep)):
        while count := await _remove(database, statement, age):
            removed += count
    return removed


async def _remove(database: Database, statement: TextClause, age: timedelta) -> int:
    async with database.transaction() as session:
        connection = await session.connection()
        result = await connection.execute(statement, {"keep": age, "batch": BATCH})
        return result.rowcount
