"""What is to be studied now: steps of minutes that are over, then what is due by its day, then new cards, within the day's limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.decks import Decks
from flashcard.models import Card, Note
from flashcard.notes import Shown

# Where nothing else is left, a step that is over this soon is shown at once, as Anki does.
LOOK_AHEAD = timedelta(minutes=20)

_DONE = text("""
    SELECT deck_id,
           count(*) FILTER (WHERE memory_before ->> 'phase' IS NULL) AS new,
           count(*) FILTER (WHERE memory_before ->> 'phase' = 'review') AS reviews
    FROM review
    WHERE user_id = :owner AND day = :today AND undone_at IS NULL AND NOT imported
    GROUP BY deck_id
""")
# Rows of each deck in their order, as many as the deck's limit still allows.
_WITHIN_LIMITS = """
    SELECT id FROM (
        SELECT card.id, {order} AS place, allowed.most,
               row_number() OVER (PARTITION BY card.deck_id ORDER BY {order}, card.id) AS row
        FROM unnest(CAST(:decks AS uuid[]), CAST(:limits AS integer[])) AS allowed(deck_id, most)
        JOIN card ON card.deck_id = allowed.deck_id
        WHERE card.user_id = :owner AND NOT suspended AND (buried_until IS NULL OR buried_until <= :today) AND {due}
    ) AS candidate
    WHERE row <= most ORDER BY place, id
"""
_DUE = _WITHIN_LIMITS.format(order="due_day", due="phase = 'review' AND due_day <= :today")
_NEW = _WITHIN_LIMITS.format(order="position", due="phase = 'new'")
_ARRAYS = (bindparam("decks", type_=ARRAY(Uuid)), bindparam("limits", type_=ARRAY(INTEGER)))


@dataclass(frozen=True, slots=True)
class Queue:
    """The cards to study now, in this order, and how many of each kind there are in all."""

    cards: Sequence[Shown]
    learning: int
    due: int
    new: int
    next_at: datetime | None
    """When the next step of minutes is over, if none is now."""


class Queues:
    """One student's queue. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def now(self, now: datetime, today: date, deck_id: UUID | None, limit: int) -> Queue:
        """What to study now in this deck and all that lies in it, or everywhere. Raises `NoSuchDeck`."""
        decks = Decks(self._session, self._owner)
        inside = None if deck_id is None else [deck.id for deck in await decks.within(await decks.get(deck_id))]
        options = await decks.options(inside)
        done = {row.deck_id: row for row in await self._session.execute(_DONE, {"owner": self._owner, "today": today})}
        studied = {deck: (done[deck].new, done[deck].reviews) if deck in done else (0, 0) for deck in options}
        new = {deck: max(0, options[deck].new_per_day - studied[deck][0]) for deck in options}
        reviews = {deck: max(0, options[deck].reviews_per_day - studied[deck][1]) for deck in options}
        due_ids = await self._ids(_DUE, reviews, today)
        new_ids = await self._ids(_NEW, new, today)
        learning, waiting = await self._learning(now, list(options), ahead=not due_ids and not new_ids)
        ids = [*learning, *due_ids, *new_ids]
        return Queue(await self._shown(ids[:limit]), len(learning), len(due_ids), len(new_ids), waiting)

    async def _ids(self, query: str, limits: Mapping[UUID, int], today: date) -> Sequence[UUID]:
        bound: dict[str, Any] = {"owner": self._owner, "today": today}
        bound |= {"decks": list(limits), "limits": list(limits.values())}
        return (await self._session.execute(text(query).bindparams(*_ARRAYS), bound)).scalars().all()

    async def _learning(
        self, now: datetime, decks: Sequence[UUID], *, ahead: bool
    ) -> tuple[Sequence[UUID], datetime | None]:
        """Cards whose step is over, and when the next one is."""
        statement = (
            select(Card.id, Card.due_at)
            .where(Card.user_id == self._owner, col(Card.deck_id).in_(decks))
            .where(col(Card.due_at).is_not(None), ~col(Card.suspended))
            .order_by(col(Card.due_at), col(Card.id))
        )
        steps = [(card, due) for card, due in await self._session.execute(statement) if due is not None]
        until = now
        if ahead and not any(due <= now for _, due in steps):
            until = now + LOOK_AHEAD
        over = [card for card, due in steps if due <= until]
        waiting = next((due for _, due in steps if due > until), None)
        return over, None if over else waiting

    async def _shown(self, ids: Sequence[UUID]) -> Sequence[Shown]:
        statement = select(Card, Note).join(Note).where(col(Card.id).in_(ids), Card.user_id == self._owner)
        found = {card.id: Shown(card, note) for card, note in await self._session.execute(statement)}
        return [found[card] for card in ids if card in found]
