"""Finding a student's cards, and doing the same to many of them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from chassis.errors import Invalid
from chassis.paging import PageRequest, moment
from sqlalchemy import case, func, null, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.leeches import LEECH, LEECHES, LEECHES_OF_NOTE
from flashcard.models import Card, Deck, Note
from flashcard.notes import Notes, Shown
from flashcard.rescheduling import move
from flashcard.search import conditions
from flashcard.trash import Trash

Action = Literal["suspend", "unsuspend", "bury", "unbury", "tag", "untag", "move", "delete"]
_OF_THE_CARD = ("suspend", "unsuspend", "bury", "unbury")
MOST_AT_ONCE = 1000
MOST_TAGS = 100


class TooManyCards(Invalid):
    type, title = "too-many-cards", "Too many cards at once"


class TooManyTags(Invalid):
    type, title = "too-many-tags", "Too many tags"


class Catalogue:
    """One student's cards. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def page(self, query: str, page: PageRequest, now: datetime, today: date) -> Sequence[Shown]:
        """The cards that a search finds, newest first, one more than the page holds. Raises `NotASearch`."""
        statement = (
            select(Card, Note)
            .join(Note)
            .where(Card.user_id == self._owner, *conditions(query, self._owner, now, today))
            .order_by(col(Card.created_at).desc(), col(Card.id).desc())
            .limit(page.limit + 1)
        )
        if (after := page.after(moment, UUID)) is not None:
            statement = statement.where(tuple_(col(Card.created_at), col(Card.id)) < after)
        return [Shown(card, note) for card, note in await self._session.execute(statement)]

    async def matching(self, query: str, now: datetime, today: date) -> Sequence[UUID]:
        """The ids of all cards that a search finds. Raises `NotASearch`, `TooManyCards`."""
        statement = select(Card.id).join(Note).where(Card.user_id == self._owner)
        statement = statement.where(*conditions(query, self._owner, now, today)).limit(MOST_AT_ONCE + 1)
        found = (await self._session.execute(statement)).scalars().all()
        if len(found) > MOST_AT_ONCE:
            raise TooManyCards(f"The search finds more than {MOST_AT_ONCE} cards. Narrow it, and do it in parts.")
        return found

    async def change(
        self,
        card_ids: Sequence[UUID],
        action: Action,
        today: date,
        *,
        now: datetime,
        tags: Sequence[str] = (),
        deck: Deck | None = None,
    ) -> int:
        """Do the same to all of these cards that are the student's; how many cards were changed. Tags, deck and end are those of a note:
        siblings of these cards share them. `deck`, where they go, is kept."""
        notes_of = Notes(self._session, self._owner)
        chosen = col(Card.id).in_(card_ids), Card.user_id == self._owner
        await notes_of.lock((await self._session.execute(select(Card.note_id).where(*chosen))).scalars().all())
        found = (await self._session.execute(select(Card.id, Card.note_id).where(*chosen))).all()
        cards, notes = [card for card, _ in found], list({note for _, note in found})
        changed = len(cards) if action in _OF_THE_CARD else await self._cards_of(notes)
        match action:
            case "suspend":
                await self._set(cards, suspended=True, leech_over=None)
            case "unsuspend":
                await self._set(cards, suspended=False, leech_over=LEECHES)
            case "bury" | "unbury":
                until = today + timedelta(days=1) if action == "bury" else None
                await self._set(cards, buried_until=until, buried_by=None)
            case "tag" | "untag":
                await self._retag(notes, tags, now, add=action == "tag")
            case "move":
                assert deck is not None
                await move(self._session, self._owner, notes, deck)
            case "delete":
                await Trash(self._session, self._owner).take_notes(notes, now)
        return changed

    async def _cards_of(self, notes: Sequence[UUID]) -> int:
        counted = select(func.count()).where(col(Card.note_id).in_(notes))
        return (await self._session.execute(counted)).scalar_one()

    async def _set(self, cards: Sequence[UUID], **values: object) -> None:
        await self._session.execute(
            update(Card).where(col(Card.id).in_(cards)).values(**values, version=Card.version + 1)
        )

    async def _retag(self, notes: Sequence[UUID], tags: Sequence[str], now: datetime, *, add: bool) -> None:
        """Raises `TooManyTags`: note by note as many are allowed as when it is written."""
        for tag in tags:
            changed = func.array_remove(col(Note.tags), tag)
            changed = func.array_append(changed, tag) if add else changed
            values: dict[str, object] = {"tags": changed, "version": Note.version + 1, "updated_at": now}
            if tag == LEECH:  # what a student says of it stands, undo or not
                taken_off = case((col(Note.tags).contains([LEECH]), LEECHES_OF_NOTE), else_=col(Note.leech_over))
                values |= {"leech_tagged": False, "leech_over": null() if add else taken_off}
            await self._session.execute(update(Note).where(col(Note.id).in_(notes)).values(values))
        full = select(Note.id).where(col(Note.id).in_(notes), func.cardinality(col(Note.tags)) > MOST_TAGS).limit(1)
        if add and (await self._session.execute(full)).first() is not None:
            raise TooManyTags(
                f"A card has at most {MOST_TAGS} tags. Remove some first, or leave out the cards that have many."
            )
