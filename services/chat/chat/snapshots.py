"""What chat can say of sessions, answers and proposals as they are now."""

from collections.abc import Sequence
from uuid import UUID

from contracts.chat import FlashcardsProposed, MessageAnswered, SessionStarted
from mesh import Event, Snapshots
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from chat.facts import answered, proposed, started
from chat.models import Message, Proposal, Role, Status, StudySession

snapshots = Snapshots()


@snapshots.of(SessionStarted)
async def sessions(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Event]:
    """Every study session."""
    statement = select(StudySession).order_by(col(StudySession.id)).limit(limit)
    if after is not None:
        statement = statement.where(col(StudySession.id) > after)
    return [started(studied) for studied in (await session.execute(statement)).scalars().all()]


@snapshots.of(MessageAnswered)
async def answers(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Event]:
    """Every question that has its whole answer."""
    statement = select(Message).where(Message.role == Role.TUTOR, Message.status == Status.DONE)
    if after is not None:
        statement = statement.where(col(Message.id) > after)
    rows = await session.execute(statement.order_by(col(Message.id)).limit(limit))
    return [answered(message) for message in rows.scalars().all()]


@snapshots.of(FlashcardsProposed)
async def proposals(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Event]:
    """Every proposal of cards."""
    statement = select(Proposal).order_by(col(Proposal.id)).limit(limit)
    if after is not None:
        statement = statement.where(col(Proposal.id) > after)
    return [proposed(one) for one in (await session.execute(statement)).scalars().all()]
