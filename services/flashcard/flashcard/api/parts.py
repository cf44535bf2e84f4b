"""What several endpoints are given: the student, a session in a transaction, and the student's present day."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from chassis.clock import Clock
from chassis.database import SessionDep
from chassis.identity import CurrentUser
from chassis.sealing import KeyRing
from fastapi import Depends, Request
from sqlmodel.ext.asyncio.session import AsyncSession

from flashcard.students import today_of


@dataclass(frozen=True, slots=True)
class Desk:
    """A student who studies now."""

    owner: UUID
    roles: frozenset[str]
    session: AsyncSession
    now: datetime
    ring: KeyRing

    async def today(self) -> date:
        """The day that it is for the student."""
        return (await today_of(self.session, self.owner, self.now))[1]


def _desk(request: Request, user: CurrentUser, session: SessionDep) -> Desk:
    state = request.app.state
    clock: Clock = state.clock
    return Desk(user.id, user.roles, session, clock(), state.ring)


DeskDep = Annotated[Desk, Depends(_desk)]
