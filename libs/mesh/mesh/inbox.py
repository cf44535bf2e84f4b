"""A handler's effect happens once: the event's id is written in the transaction of the effect."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_RECEIVE = text("""
    INSERT INTO inbox (consumer, event_id) VALUES (:consumer, :event_id) ON CONFLICT DO NOTHING
""")


async def receive(session: AsyncSession, consumer: str, event_id: UUID) -> bool:
    """Whether this consumer sees the event for the first time.

    A second transaction with the same event waits here until the first has ended, and then knows.
    """
    connection = await session.connection()
    result = await connection.execute(_RECEIVE, {"consumer": consumer, "event_id": event_id})
    return result.rowcount == 1
