"""What several endpoints are given: the student, a session in a transaction, and the student's present day."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from chassis.clock import Clock
from chassis.database import SessionDep
from chassis.identity import CurrentUser
from chassis.sealing import KeyRing
from chassis.storage import Storage
from fastapi import Depends, Request
from sqlmodel.ext.asyncio.session import AsyncSession

from flashcard.decks import DEFAULT, Decks
from flashcard.models import Deck
from flashcard.patience import lose_patience
from flashcard.scheduling import DeckOptions
from flashcard.students import today_of


@dataclass(frozen=True, slots=True)
class Desk:
    """A student who studies now."""

    owner: UUID
    roles: frozenset[str]
    session: AsyncSession
    now: datetime
    ring: KeyRing
    fresh: DeckOptions
    """Of a deck for which nobody chose options."""

    @property
    def decks(self) -> Decks:
        """The student's decks."""
        return Decks(self.session, self.owner, self.fresh)

    def chosen(self, options: DeckOptions) -> DeckOptions:
        """These options; an algorithm that was not said is the deployment's."""
        return self.fresh.model_copy(update=options.model_dump(exclude_unset=True))

    async def deck_for_cards(self, deck_id: UUID | None) -> Deck:
        """The deck, kept, into which cards are put; the default one if none is said. Raises `NoSuchDeck`."""
        if deck_id is not None:
            return await self.decks.keep(deck_id)
        await lose_patience(self.session)
        return await self.decks.ensure(DEFAULT, self.now)

    async def today(self) -> date:
        """The day that it is for the student."""
        return (await today_of(self.session, self.owner, self.now))[1]


async def _desk(request: Request, user: CurrentUser, session: SessionDep) -> Desk:
    state = request.app.state
    clock: Clock = state.clock
    return Desk(user.id, user.roles, session, clock(), state.ring, state.fresh)


async def _storage(request: Request) -> Storage:
    storage: Storage = request.app.state.storage
    return storage


StorageDep = Annotated[Storage, Depends(_storage)]
DeskDep = Annotated[Desk, Depends(_desk)]
