"""A handler's effect happens once: the event's id is written in the transaction of the effect."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

# The driver's own text, so that nothing is compiled for it.
_RECEIVE = "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def receive(session: AsyncSession, consumer: str, event_id: UUID) -> bool:
    """Whether this consumer sees the event for the first time.

    A second transaction with the same event waits here until the first has ended, and then knows.
    """
    # One step into SQLAlchemy for connection, BEGIN and row: each costs.
    return await session.run_sync(_receive, consumer, event_id)


def _receive(session: Session, consumer: str, event_id: UUID) -> bool:
    return session.connection().exec_driver_sql(_RECEIVE, (consumer, event_id)).rowcount == 1
