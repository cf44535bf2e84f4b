"""A student's decks: a tree by their names, and the options of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.errors import Conflict, Invalid, NotFound
from chassis.paging import PageRequest
from sqlalchemy import func, or_, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from flashcard.models import Deck
from flashcard.patience import impatient, lose_patience
from flashcard.scheduling import DeckOptions

DEFAULT = "Default"
SEPARATOR = "::"
LONGEST_NAME, DEEPEST, _MOST_DECKS = 300, 10, 2000
_ONE_CHANGE = text("SELECT pg_advisory_xact_lock(hashtextextended('decks ' || CAST(:owner AS text), 0))")


class NoSuchDeck(NotFound):
    type, title = "deck-not-found", "No such deck"


class DeckExists(Conflict):
    type, title = "deck-exists", "There is a deck with this name"


class TooManyDecks(Conflict):
    type, title = "too-many-decks", "Too many decks"


def deck_name(written: str) -> str:
    """A name in its one form: `Biology::Cells`. Raises `ValueError`."""
    parts = [" ".join(part.split()) for part in written.split(SEPARATOR)]
    if not all(parts) or len(parts) > DEEPEST:
        raise ValueError(f"a deck's name has 1 to {DEEPEST} parts, each not empty, between '::'")
    name = SEPARATOR.join(parts)
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a deck's name has at most {LONGEST_NAME} characters")
    return name


class Decks:
    """One student's decks. There is no way to another's through it. `fresh` are the options of a deck for which none are given."""

    def __init__(self, session: AsyncSession, owner: UUID, fresh: DeckOptions | None = None) -> None:
        self._session = session
        self._owner = owner
        self._fresh = fresh or DeckOptions()

    async def create(self, name: str, options: DeckOptions, now: datetime) -> Deck:
        """Make a deck, and what it lies in where that is missing. Raises `DeckExists`, `TooManyDecks`."""
        if await self._named(name) is not None:
            raise DeckExists(f"You have a deck named “{name}” already. Choose another name.")
        return await self.ensure(name, now, options)

    async def ensure(self, name: str, now: datetime, options: DeckOptions | None = None) -> Deck:
        """The deck with this name, made where there is none."""
        if (found := await self._named(name)) is not None:
            return found
        await self.expect_room()
        parent = name.rpartition(SEPARATOR)[0]
        if parent:
            await self.ensure(parent, now)
        made = Deck(
            user_id=self._owner,
            name=name,
            options=(options or self._fresh).model_dump(mode="json"),
            created_at=now,
            updated_at=now,
        )
        # Two requests may make the same deck at once: the second takes the first one's.
        statement = insert(Deck).values(made.model_dump()).on_conflict_do_nothing(constraint="uq_deck_user_id_name")
        await self._session.execute(statement)
        found = await self._named(name)
        assert found is not None
        return found

    async def get(self, deck_id: UUID, *, lock: bool = False) -> Deck:
        """The deck; with `lock` nobody else changes it until the transaction ends. Decks are locked before notes, and notes
        before cards. Raises `NoSuchDeck`, also for another student's."""
        statement = self._one(deck_id)
        return await self._found(impatient(statement).with_for_update(of=Deck) if lock else statement)

    async def keep(self, deck_id: UUID) -> Deck:
        """The deck, for who puts cards into it: until the transaction ends nobody removes it. Raises `NoSuchDeck`."""
        kept = impatient(self._one(deck_id)).with_for_update(read=True, key_share=True, of=Deck)
        return await self._found(kept)

    def _one(self, deck_id: UUID) -> SelectOfScalar[Deck]:
        return select(Deck).where(Deck.id == deck_id, Deck.user_id == self._owner)

    async def _found(self, statement: SelectOfScalar[Deck]) -> Deck:
        found = (await self._session.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NoSuchDeck("There is no such deck of yours. GET /decks lists them.")
        return found

    async def all(self) -> Sequence[Deck]:
        """Every deck, by name: a deck stands before those that lie in it."""
        statement = select(Deck).where(Deck.user_id == self._owner).order_by(col(Deck.name).collate("C"))
        return (await self._session.execute(statement)).scalars().all()

    async def page(self, page: PageRequest) -> Sequence[Deck]:
        """Decks as `all` has them, one more than the page holds."""
        by_name = (col(Deck.name).collate("C"), col(Deck.id))
        statement = select(Deck).where(Deck.user_id == self._owner).order_by(*by_name).limit(page.limit + 1)
        if (after := page.after(_asked_name, UUID)) is not None:
            statement = statement.where(tuple_(*by_name) > after)
        return (await self._session.execute(statement)).scalars().all()

    async def within(self, deck: Deck, *, lock: bool = False) -> Sequence[Deck]:
        """The deck and all that lies in it; with `lock` nobody else changes them until the transaction ends."""
        below = col(Deck.name).startswith(deck.name + SEPARATOR, autoescape=True)
        statement = select(Deck).where(Deck.user_id == self._owner, or_(col(Deck.id) == deck.id, below))
        if lock:
            statement = statement.order_by(col(Deck.id)).with_for_update()
        return (await self._session.execute(statement)).scalars().all()

    async def change_tree(self) -> None:
        """Before decks are renamed, deleted or taken back, and before any of them is locked: one such change of a student at a time.
        Renaming locks a deck and then the one around it, deleting those inside it: two at once would wait crosswise."""
        await lose_patience(self._session)
        await self._session.execute(_ONE_CHANGE, {"owner": str(self._owner)})

    async def rename(self, deck: Deck, name: str, now: datetime) -> None:
        """Give the deck another name; what lies in it moves along. Raises `DeckExists`, `Invalid`."""
        if name == deck.name:
            return
        if name.startswith(deck.name + SEPARATOR):
            raise Invalid("A deck cannot be put into itself. Choose a name outside of it.")
        inside = await self.within(deck)
        moved = {other.id: name + other.name[len(deck.name) :] for other in inside}
        if any(len(longer) > LONGEST_NAME for longer in moved.values()):
            raise Invalid("The names of decks inside would be too long. Choose a shorter name.")
        taken = select(Deck.name).where(Deck.user_id == self._owner, col(Deck.name).in_(moved.values()))
        if (clash := (await self._session.execute(taken.limit(1))).scalar()) is not None:
            raise DeckExists(f"You have a deck named “{clash}” already. Choose another name.")
        if parent := name.rpartition(SEPARATOR)[0]:
            await self.ensure(parent, now)
        for other in inside:
            other.name, other.version, other.updated_at = moved[other.id], other.version + 1, now

    async def options(self, deck_ids: Sequence[UUID] | None = None) -> Mapping[UUID, DeckOptions]:
        """The options of these decks, or of all."""
        statement = select(Deck.id, Deck.options).where(Deck.user_id == self._owner)
        if deck_ids is not None:
            statement = statement.where(col(Deck.id).in_(deck_ids))
        rows: Sequence[tuple[UUID, dict[str, Any]]] = [tuple(row) for row in await self._session.execute(statement)]
        return {deck_id: DeckOptions.model_validate(options) for deck_id, options in rows}

    async def expect_room(self, more: int = 1) -> None:
        """Raise `TooManyDecks` where so many more would be."""
        count = await self._session.execute(select(func.count()).where(Deck.user_id == self._owner))
        if count.scalar_one() + more > _MOST_DECKS:
            raise TooManyDecks(f"You may have {_MOST_DECKS} decks, and these would be more. Remove some first.")

    async def _named(self, name: str) -> Deck | None:
        statement = select(Deck).where(Deck.user_id == self._owner, Deck.name == name)
        statement = statement.with_for_update(read=True, key_share=True)  # cards are about to go into it
        return (await self._session.execute(statement)).scalar_one_or_none()


def _asked_name(written: str) -> str:
    """A name that the database may be asked for. Raises `ValueError`."""
    if "\x00" in written:
        raise ValueError("no deck is called so")
    written.encode()
    return written
