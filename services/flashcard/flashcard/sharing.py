"""Sharing a deck: a link, a copy without the owner's history, and the end of it."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.errors import NotFound
from chassis.sealing import KeyRing
from chassis.study_day import StudyDay
from contracts.flashcard import DeckShared
from mesh import Outbox
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from flashcard.decks import SEPARATOR, Decks
from flashcard.importing import Importing
from flashcard.incoming import Incoming, IncomingNote, renamed
from flashcard.leeches import LEECH
from flashcard.media import MediaNames, Stored, names_used
from flashcard.models import SCHEMA, Card, Deck, Markup, Media, Note, NoteKind, Share
from flashcard.notes import new_guid
from flashcard.scheduling import DeckOptions


class NoSuchShare(NotFound):
    type, title = "shared-deck-not-found", "No such shared deck"


@dataclass(frozen=True, slots=True)
class SharedDeck:
    """What a link leads to."""

    name: str
    cards: int
    samples: Sequence[str]


class Sharing:
    """One student's sharing: of own decks, and of what others gave the link to."""

    def __init__(self, session: AsyncSession, owner: UUID, ring: KeyRing) -> None:
        self._session = session
        self._owner = owner
        self._ring = ring

    async def share(self, deck_id: UUID, now: datetime) -> str:
        """The deck's link token; the same one as long as it is shared. Raises `NoSuchDeck`."""
        deck = await Decks(self._session, self._owner).get(deck_id, lock=True)
        shared = await self._session.get(Share, deck.id)
        if shared is not None:
            return self._ring.open(shared.token_sealed)
        token = secrets.token_urlsafe(24)
        self._session.add(
            Share(
                deck_id=deck.id,
                user_id=self._owner,
                token_digest=_digest(token),
                token_sealed=self._ring.seal(token),
                created_at=now,
            )
        )
        deck.version += 1
        await self._session.flush()
        await Outbox(self._session, SCHEMA).add(await shared_now(self._session, deck))
        return token

    async def revoke(self, deck_id: UUID) -> None:
        """The link leads nowhere from now on; copies stay. Raises `NoSuchDeck`."""
        deck = await Decks(self._session, self._owner).get(deck_id, lock=True)
        await self._session.execute(delete(Share).where(col(Share.deck_id) == deck.id))

    async def look(self, token: str) -> SharedDeck:
        """What the link leads to, before it is copied. Raises `NoSuchShare`."""
        decks = await self._decks(token)
        ids = [deck.id for deck in decks]
        samples = select(Note.question).join(Card).where(col(Card.deck_id).in_(ids), Card.ordinal == 0)
        shown = (await self._session.execute(samples.order_by(col(Card.position)).limit(5))).scalars().all()
        return SharedDeck(decks[0].name, await _count(self._session, ids), shown)

    async def media(self, token: str) -> Sequence[Media]:
        """The pictures and sounds that a copy needs. Raises `NoSuchShare`, and `TooManyDecks` before any of them is stored in vain."""
        theirs = await self._decks(token)
        await Decks(self._session, self._owner).expect_room(len(theirs))
        texts = select(Note.question, Note.answer).join(Card).distinct()
        rows = await self._session.execute(texts.where(col(Card.deck_id).in_([deck.id for deck in theirs])))
        used = {name for question, answer in rows for name in names_used(f"{question}\n{answer}")}
        return await MediaNames(self._session, theirs[0].user_id).among(sorted(used))

    async def copy(self, token: str, stored: Mapping[str, Stored], now: datetime) -> Deck:
        """A deck of one's own with the same cards, all of them new, and these files of it, which are stored. Raises `NoSuchShare`."""
        theirs = await self._decks(token)
        mine = Decks(self._session, self._owner)
        root = theirs[0].name
        name = await self._free_name(root.rpartition(SEPARATOR)[2])
        copied: dict[UUID, Deck] = {}
        for deck in theirs:
            options = DeckOptions.model_validate(deck.options)
            copied[deck.id] = await mine.create(name + deck.name[len(root) :], options, now)
        notes = await self._notes({deck_id: deck.name for deck_id, deck in copied.items()})
        # A picture of one's own that has the same name is another one.
        names = await MediaNames(self._session, self._owner).keep(stored, now)
        # As an import writes them: by the thousand, in one transaction.
        cards = renamed(Incoming(notes), names)
        await Importing(self._session, self._owner, StudyDay(), now).apply(cards, _nobody_waits)
        return copied[theirs[0].id]

    async def _notes(self, decks: Mapping[UUID, str]) -> list[IncomingNote]:
        """The notes of these decks in their order, as they go into decks of these names."""
        placed = select(Note, Card.deck_id, func.min(Card.position).label("place")).join(Card)
        placed = placed.where(col(Card.deck_id).in_(decks)).group_by(col(Note.id), col(Card.deck_id)).order_by("place")
        return [
            # Where it was taken from is a document of the owner's, which nobody else can open.
            IncomingNote(
                guid=new_guid(),
                kind=NoteKind(note.kind),
                question=note.question,
                answer=note.answer,
                tags=[tag for tag in note.tags if tag != LEECH],
                deck=decks[deck_id],
                markup=Markup(note.markup),
            )
            for note, deck_id, _ in (await self._session.execute(placed)).all()
        ]

    async def _decks(self, token: str) -> Sequence[Deck]:
        statement = select(Deck).join(Share, col(Share.deck_id) == Deck.id).where(Share.token_digest == _digest(token))
        deck = (await self._session.execute(statement)).scalar_one_or_none()
        if deck is None:
            raise NoSuchShare("This link leads to no deck. Its owner may have stopped sharing it.")
        inside = await Decks(self._session, deck.user_id).within(deck)
        return sorted(inside, key=lambda found: found.name)

    async def _free_name(self, name: str) -> str:
        taken = {deck.name for deck in await Decks(self._session, self._owner).all()}
        numbered = (f"{name} ({number})" for number in range(2, len(taken) + 3))
        return name if name not in taken else next(free for free in numbered if free not in taken)


async def _nobody_waits(_: float) -> None:
    """Nothing is told of the progress of a copy."""


async def shared_now(session: AsyncSession, deck: Deck) -> DeckShared:
    """The deck can be copied, with what is in it now."""
    inside = await Decks(session, deck.user_id).within(deck)
    cards = await _count(session, [one.id for one in inside])
    return DeckShared(deck_id=deck.id, user_id=deck.user_id, name=deck.name, cards=cards, version=deck.version)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def _count(session: AsyncSession, deck_ids: Sequence[UUID]) -> int:
    counted = await session.execute(select(func.count()).where(col(Card.deck_id).in_(deck_ids)))
    return counted.scalar_one()
