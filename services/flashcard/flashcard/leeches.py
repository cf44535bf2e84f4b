"""Leeches, which are forgotten again and again: the log says which cards they are, and the student what becomes of them."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.models import Card, LoggedReview, Note

LEECH = "leech"
_MADE = (col(LoggedReview.made_leech), col(LoggedReview.undone_at).is_(None))
# How many reviews made the card of a statement a leech.
LEECHES = select(func.count()).where(LoggedReview.card_id == Card.id, *_MADE).correlate(Card).scalar_subquery()
# How many made leeches of the cards of a statement's note.
LEECHES_OF_NOTE = (
    select(func.count())
    .select_from(LoggedReview)
    .join(Card, col(Card.id) == LoggedReview.card_id)
    .where(Card.note_id == Note.id, *_MADE)
    .correlate(Note)
    .scalar_subquery()
)


def leeches(log: Iterable[LoggedReview]) -> int:
    """How many of these reviews made their card a leech."""
    return sum(logged.made_leech for logged in log)


class Leeches:
    """One student's leeches."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def settle(self, card: Card, before: int, now: int) -> None:
        """So many reviews of a locked card made it a leech before, and so many do now. More of them, and more than there were when the
        student freed it, suspend it; fewer give back what was so before. Its note is tagged likewise, for all of its cards together. What
        the student has said by hand since stays."""
        if now == before:
            return
        note = (await self._session.execute(select(Note).where(Note.id == card.note_id))).scalar_one()
        more = now + await self._of_siblings(card) > (note.leech_over or 0)
        if now > before:
            freed_with = card.leech_over or 0
            if not card.suspended and now > freed_with:
                card.suspended, card.leech_over = True, max(before, freed_with)
            if LEECH not in note.tags and more:
                note.tags, note.leech_tagged = [*note.tags, LEECH], True
            return
        if card.leech_over is not None and now <= card.leech_over:
            card.suspended = False
        if note.leech_tagged and not more:
            note.tags, note.leech_tagged = [tag for tag in note.tags if tag != LEECH], False

    async def suspend(self, card: Card, suspended: bool) -> None:
        """Suspend or free a locked card by the student's own hand."""
        made = select(LEECHES).select_from(Card).where(Card.id == card.id)
        card.leech_over = None if suspended else (await self._session.execute(made)).scalar_one()
        card.suspended, card.version = suspended, card.version + 1

    async def tag(self, note: Note, tags: Sequence[str]) -> None:
        """Before the student writes these tags on a locked note: the leech's stays, or stays off until there is more of one."""
        note.leech_tagged = False
        if LEECH in tags:
            note.leech_over = None
        elif LEECH in note.tags:
            made = select(LEECHES_OF_NOTE).select_from(Note).where(Note.id == note.id)
            note.leech_over = (await self._session.execute(made)).scalar_one()

    async def _of_siblings(self, card: Card) -> int:
        siblings = select(Card.id).where(Card.note_id == card.note_id, Card.id != card.id)
        made = select(func.count()).where(LoggedReview.user_id == self._owner, *_MADE)
        return (await self._session.execute(made.where(col(LoggedReview.card_id).in_(siblings)))).scalar_one()
