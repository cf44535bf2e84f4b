"""What was missed in a quiz: the card that has it comes back soon, or one is proposed. No review is written: none happened."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.clock import Clock, system_clock
from chassis.personal_data import is_erased
from contracts.chat import ProposedCard, RecallGraded
from sqlalchemy import func, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.card_text import fingerprint
from flashcard.drafts import WAITING, Proposals
from flashcard.models import Card, Draft, Note
from flashcard.reviewing import Reviews
from flashcard.rollover import tell_when_due
from flashcard.students import today_of

# SM-2's line: below it a fact was not recalled.
RECALLED = 3
# A quote that is shorter stands in too many places to tell that two cards are about the same.
_SHORTEST_QUOTE = 20
_ASKING = (
    "{}",
    "What is {}?",
    "What is a {}?",
    "What is an {}?",
    "What is the {}?",
    "What are {}?",
    "What is meant by {}?",
)


class Recalls:
    """Every student's answers in quizzes, as events tell of them. In any order and repetition the same cards come back."""

    def __init__(self, session: AsyncSession, proposals: Proposals, clock: Clock = system_clock) -> None:
        self._session = session
        self._proposals = proposals
        self._clock = clock

    async def hear(self, event: RecallGraded, at: datetime) -> None:
        """An answer was graded; `at` is when it was given."""
        if event.grade >= RECALLED or await is_erased(self._session, event.user_id):
            return
        card = event.card or _card_of(event)
        if not await self._bring_forward(event, card, at) and not await self._waits(event, card):
            await self._proposals.take(event.user_id, [card])

    async def _bring_forward(self, event: RecallGraded, card: ProposedCard, at: datetime) -> bool:
        """Whether the student has cards of it, which are due by that day now. A suspended one stays so."""
        holding = (
            select(Note.id)
            .where(Note.user_id == event.user_id, or_(*_holds(Note, event, card)))
            .order_by(col(Note.id))
            .with_for_update()
        )
        notes = (await self._session.execute(holding)).scalars().all()
        _, day = await today_of(self._session, event.user_id, at)
        reviews = Reviews(self._session, event.user_id)
        for found in await self._cards(notes, event.user_id):
            await reviews.miss(found, at, day)
        await tell_when_due(self._session, event.user_id, self._clock())
        return bool(notes)

    async def _waits(self, event: RecallGraded, card: ProposedCard) -> bool:
        """Whether a draft of it waits. Of two misses at once the second sees the first one's: each holds the student's row."""
        named = func.lower(func.btrim(col(Draft.answer))) == func.lower(event.concept.strip())
        about = or_(named, *_holds(Draft, event, card))
        waiting = select(Draft.id).where(Draft.user_id == event.user_id, *WAITING, about).limit(1)
        return (await self._session.execute(waiting)).first() is not None

    async def _cards(self, notes: Sequence[UUID], owner: UUID) -> Sequence[Card]:
        statement = select(Card).where(col(Card.note_id).in_(notes), Card.user_id == owner).order_by(col(Card.id))
        return (await self._session.execute(statement)).scalars().all()


def _holds(kept: type[Note | Draft], event: RecallGraded, card: ProposedCard) -> Sequence[Any]:
    """What tells that a note or a draft is about it: it asks the same, for the concept by its name, or rests on the same words."""
    asked = [card.question, event.question, *(form.format(event.concept) for form in _ASKING)]
    same = col(kept.fingerprint).in_([fingerprint(question) for question in asked])
    quote = event.source.quote
    if len(quote) < _SHORTEST_QUOTE:
        return [same]
    theirs = col(kept.source)["quote"].astext
    rests = (func.strpos(theirs, quote) > 0) | (
        (func.length(theirs) >= _SHORTEST_QUOTE) & (func.strpos(quote, theirs) > 0)
    )
    return [same, (col(kept.document_id) == event.source.document_id) & rests]


def _card_of(event: RecallGraded) -> ProposedCard:
    """The card of an event that brings none."""
    source = event.source.model_dump()
    return ProposedCard(question=event.question, answer=event.reference_answer, **source)
