"""One request's way from the wish for cards to a proposal: read, let go, search and make, write.

Nothing is claimed while cards are being made: a process that dies leaves nothing behind, and a repetition begins anew. The proposal,
its event and the answer for a repetition are one transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID, uuid4

from chassis.clock import Clock
from chassis.database import Database, DatabaseDep
from chassis.errors import Conflict, Invalid, Unavailable
from chassis.idempotency import Idempotency, IdempotencyKey, idempotency_for
from chassis.identity import User, VerifiedUser
from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response

from chat import metrics
from chat.flashcards.making import Made, Maker, Order
from chat.flashcards.material import Subject, gather
from chat.flashcards.proposals import Proposals
from chat.retrieval import Retrieval
from chat.schemas import NewFlashcards, proposal_out

Named = Callable[[Proposals], Awaitable[Subject]]


class NothingWorthACard(Invalid):
    type, title = "nothing-worth-a-card", "No card can be made of this"


class NothingStudied(Conflict):
    type, title = "nothing-studied", "Nothing has been studied here yet"


class CardsTooSlow(Unavailable):
    type, title = "cards-too-slow", "Making cards took too long"


class TooManyProposals(Unavailable):
    type, title = "too-many-proposals", "Too many cards are being made"


@dataclass
class Workshop:
    """What cards are made with. `at_once` bounds the proposals that this process works at, `seconds` each of them."""

    maker: Maker
    retrieval: Retrieval
    at_once: int
    seconds: float
    busy: int = 0

    async def make(self, subject: Subject, wanted: int, known: frozenset[str], token: str) -> Made:
        """Cards, without a transaction. Raises a `Problem` where there are none to be had."""
        if self.busy >= self.at_once:
            raise TooManyProposals("Too many cards are being made at the moment. Try again in a few seconds.")
        self.busy += 1
        try:
            async with asyncio.timeout(self.seconds):
                passages = await gather(subject, wanted, self.retrieval, seed=str(uuid4()), token=token)
                return await self.maker.make(Order(passages, wanted, subject.studied, known))
        except TimeoutError as error:
            raise CardsTooSlow("The cards took too long. Try again, or ask for fewer.") from error
        finally:
            self.busy -= 1


@dataclass(frozen=True, slots=True)
class Proposing:
    """A student who wants cards."""

    user: User
    request: Request
    database: Database
    key: str | None

    async def of_document(self, document_id: UUID, wanted: NewFlashcards) -> Response:
        """Cards of a document. Raises `NotOnTheShelf`, `NothingWorthACard`."""
        return await self._propose(lambda proposals: proposals.of_document(document_id), wanted)

    async def of_session(self, session_id: UUID, wanted: NewFlashcards) -> Response:
        """Cards of what was studied in a session. Raises `NoSuchSession`, `NothingStudied`, `NothingWorthACard`."""
        return await self._propose(lambda proposals: proposals.of_session(session_id), wanted)

    async def _propose(self, named: Named, wanted: NewFlashcards) -> Response:
        workshop: Workshop = self.request.app.state.workshop
        async with self.database.transaction() as session:
            if (earlier := await self._once(session).answered(wanted)) is not None:
                return earlier
            proposals = Proposals(session, self.user.id)
            subject = await named(proposals)
            known = await proposals.known(subject)
        if subject.session_id is not None and subject.studied.is_nothing:
            raise NothingStudied(
                "Nothing in this session rests on your material yet. Ask something first, or make cards of a document."
            )
        made = await workshop.make(subject, wanted.count, known, self.user.token)
        return await self._keep(named, wanted, subject, made, again=bool(known))

    async def _keep(
        self, named: Named, wanted: NewFlashcards, subject: Subject, made: Made, *, again: bool
    ) -> Response:
        clock: Clock = self.request.app.state.clock
        async with self.database.transaction() as session:
            once = self._once(session)
            if (earlier := await once.replay(wanted)) is not None:
                return earlier
            proposals = Proposals(session, self.user.id)
            await named(proposals)  # it may have been deleted meanwhile
            cards = await proposals.standing(made.cards)
            if not cards:
                raise NothingWorthACard(_nothing(again=again))
            shown = proposal_out(await proposals.keep(subject, cards, made, clock()))
            await once.remember(shown)
        metrics.count_proposed(len(cards), made.model, made.usage)
        return JSONResponse(shown.model_dump(mode="json"), status_code=201)

    def _once(self, session: AsyncSession) -> Idempotency:
        return idempotency_for(self.request, session, self.user.id, self.key)


def _nothing(*, again: bool) -> str:
    if again:
        return "No further card worth keeping can be made of this; GET /flashcards/drafts lists those that wait."
    return "Nothing in it makes a card worth keeping, such as a definition or a reason. Choose other material, or write a card yourself."


async def _proposing(
    request: Request, user: VerifiedUser, database: DatabaseDep, idempotency_key: IdempotencyKey = None
) -> Proposing:
    return Proposing(user, request, database, idempotency_key)


ProposingDep = Annotated[Proposing, Depends(_proposing)]
