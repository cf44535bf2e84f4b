"""A student's study sessions and what was said in them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from chassis.errors import Invalid, NotFound
from chassis.paging import INTEGER, PageRequest, moment
from contracts.chat import Mode
from mesh import Outbox
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import and_, col, delete, or_, select

from chat import facts
from chat.models import Message, StudySession
from chat.shelf import StudentShelf

AVAILABLE: frozenset[Mode] = frozenset(("tutor", "feynman"))


class ModeNotAvailable(Invalid):
    type, title = "mode-not-available", "This mode is not available yet"


class NoSuchSession(NotFound):
    type, title = "session-not-found", "No such study session"


class Sessions:
    """One student's sessions. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def start(self, mode: Mode, title: str | None, document_ids: Sequence[UUID], now: datetime) -> StudySession:
        """Begin to study these documents (none: all). Raises `ModeNotAvailable`, `NotOnTheShelf`."""
        if mode not in AVAILABLE:
            raise ModeNotAvailable(f"The modes available so far are {', '.join(sorted(AVAILABLE))}.", mode=mode)
        chosen = await StudentShelf(self._session, self._owner).choose(document_ids)
        started = StudySession(
            user_id=self._owner, mode=mode, title=title, document_ids=chosen, created_at=now, updated_at=now
        )
        self._session.add(started)
        await self._session.flush()
        await Outbox(self._session, "chat").add(facts.started(started))
        return started

    async def get(self, session_id: UUID, *, lock: bool = False) -> StudySession:
        """The session; with `lock` until the transaction ends. Raises `NoSuchSession`, also for another student's."""
        statement = select(StudySession).where(StudySession.id == session_id, StudySession.user_id == self._owner)
        found = (await self._session.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()
        if found is None:
            raise NoSuchSession("There is no such study session of yours. GET /chat/sessions lists them.")
        return found

    async def page(self, page: PageRequest) -> Sequence[StudySession]:
        """The sessions in the order of their last use, newest first, one more than the page holds."""
        statement = select(StudySession).where(StudySession.user_id == self._owner)
        if (after := page.after(moment, UUID)) is not None:
            used, session_id = after
            older = and_(StudySession.updated_at == used, col(StudySession.id) < session_id)
            statement = statement.where(or_(StudySession.updated_at < used, older))
        ordered = statement.order_by(col(StudySession.updated_at).desc(), col(StudySession.id).desc())
        return (await self._session.execute(ordered.limit(page.limit + 1))).scalars().all()

    async def delete(self, session_id: UUID) -> None:
        """Remove the session with its messages; an answer that is being written has nowhere to go then."""
        await self.get(session_id, lock=True)
        await self._session.execute(delete(StudySession).where(col(StudySession.id) == session_id))

    async def messages(
        self, session_id: UUID, page: PageRequest, order: Literal["oldest", "newest"]
    ) -> Sequence[Message]:
        """What was said, one message more than the page holds. Raises `NoSuchSession`."""
        await self.get(session_id)
        position = col(Message.position)
        statement = select(Message).where(Message.session_id == session_id)
        if (last := page.before_id(most=INTEGER)) is not None:
            statement = statement.where(position < last if order == "newest" else position > last)
        ordered = statement.order_by(position.desc() if order == "newest" else position)
        return (await self._session.execute(ordered.limit(page.limit + 1))).scalars().all()
