"""Proposals as rows: kept with what they cost, and told to the mesh, in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from mesh import Outbox
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from chat import facts
from chat.flashcards.card import Card, key_of
from chat.flashcards.making import Made
from chat.flashcards.material import Subject, studied_in
from chat.models import SCHEMA, Proposal
from chat.sessions import Sessions
from chat.shelf import StudentShelf

# Of earlier proposals so many are looked at, so that the next one has others.
_REMEMBERED = 20


class Proposals:
    """One student's proposals. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def of_document(self, document_id: UUID) -> Subject:
        """A document to make cards of. Raises `NotOnTheShelf`, also for another student's, and while it is not ready."""
        return Subject(await StudentShelf(self._session, self._owner).choose([document_id]), document_id=document_id)

    async def of_session(self, session_id: UUID) -> Subject:
        """A session to make cards of. Raises `NoSuchSession`, also for another student's."""
        studied = await Sessions(self._session, self._owner).get(session_id)
        return Subject(studied.document_ids, session_id=session_id, studied=await studied_in(self._session, session_id))

    async def known(self, subject: Subject) -> frozenset[str]:
        """The questions that were proposed of the same before, as `key_of` gives them."""
        statement = select(Proposal.cards).where(
            Proposal.user_id == self._owner,
            col(Proposal.session_id).is_not_distinct_from(subject.session_id),
            col(Proposal.document_id).is_not_distinct_from(subject.document_id),
        )
        rows = await self._session.execute(statement.order_by(col(Proposal.created_at).desc()).limit(_REMEMBERED))
        return frozenset(key_of(card["question"]) for cards in rows.scalars() for card in cards)

    async def standing(self, cards: Sequence[Card]) -> list[Card]:
        """Those of the cards whose document was not deleted meanwhile."""
        documents = {card.passage.document_id for card in cards}
        gone = await StudentShelf(self._session, self._owner).gone(documents)
        return [card for card in cards if card.passage.document_id not in gone]

    async def keep(self, subject: Subject, cards: Sequence[Card], made: Made, now: datetime) -> Proposal:
        """Keep what is proposed, and tell it."""
        usage = made.usage
        proposal = Proposal(
            id=uuid4(),
            user_id=self._owner,
            session_id=subject.session_id,
            document_id=subject.document_id,
            cards=[card.proposed().model_dump(mode="json") for card in cards],
            model=made.model,
            prompt=made.prompt,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            tokens_estimated=usage.estimated,
            cost=usage.cost,
            created_at=now,
        )
        self._session.add(proposal)
        await self._session.flush()
        await Outbox(self._session, SCHEMA).add(facts.proposed(proposal))
        return proposal
