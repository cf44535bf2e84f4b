"""A deck as a file: an Anki package with everything that is known of its cards, or a table of their texts."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from chassis.storage import Storage
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.anki.writing import OutgoingCard, OutgoingNote, OutgoingReview, PackageWriter, pack
from flashcard.decks import Decks
from flashcard.media import MediaNames, Shelves, names_used
from flashcard.memory import Memory
from flashcard.models import Card, Deck, LoggedReview, Markup, Note, NoteKind
from flashcard.ratings import Rating
from flashcard.replaying import memory_of
from flashcard.scheduling import DeckOptions
from flashcard.students import today_of
from flashcard.text_tables import written_table

_AT_ONCE = 500


class Exporting:
    """One student's exports. There is no way to another's decks through it."""

    def __init__(self, session: AsyncSession, owner: UUID, storage: Storage, now: datetime) -> None:
        self._session = session
        self._owner = owner
        self._storage = storage
        self._now = now

    async def table(self, deck: Deck, separator: str) -> str:
        """The texts of the deck and what lies in it, as CSV or TSV."""
        notes = [(name, note) async for name, note, _ in self._notes(await self._names(deck))]
        return written_table(
            [
                (note.guid, NoteKind(note.kind), name, note.question, note.answer, note.tags, Markup(note.markup))
                for name, note in notes
            ],
            separator,
        )

    async def package(self, deck: Deck, path: Path, *, scheduling: bool) -> None:
        """Write the deck and what lies in it as an Anki package to `path`."""
        names = await self._names(deck)
        counting, today = await today_of(self._session, self._owner, self._now)
        steps = len(DeckOptions.model_validate(deck.options).learning_steps)
        numbers, used = _Numbers(), set[str]()
        with TemporaryDirectory(prefix="export-") as folder:
            collection = Path(folder) / "collection.anki2"
            with PackageWriter(collection, names.values(), counting, self._now, steps) as writer:
                async for name, note, cards in self._notes(names):
                    reviews = await self._reviews([card.id for card in cards]) if scheduling else {}
                    outgoing = [
                        OutgoingCard(
                            number=numbers.next(card.created_at),
                            ordinal=card.ordinal,
                            deck=name,
                            position=(card.position or 0) % 2**31,
                            memory=memory_of(card) if scheduling else Memory(),
                            suspended=card.suspended and scheduling,
                            buried=scheduling and card.buried_until is not None and card.buried_until > today,
                            reviews=reviews.get(card.id, ()),
                        )
                        for card in cards
                    ]
                    await writer.add(_outgoing(note, numbers.next(note.created_at), outgoing))
                    used |= names_used(f"{note.question}\n{note.answer}")
            media = await self._media(used, Path(folder))
            await asyncio.to_thread(pack, path, collection, media)

    async def _names(self, deck: Deck) -> Mapping[UUID, str]:
        return {inside.id: inside.name for inside in await Decks(self._session, self._owner).within(deck)}

    async def _notes(self, decks: Mapping[UUID, str]) -> AsyncIterator[tuple[str, Note, Sequence[Card]]]:
        """The notes of these decks, in the order in which their cards were made, with the deck's name."""
        last = 0
        while True:
            first = (
                select(Card.position, Note)
                .join(Note)
                .where(col(Card.deck_id).in_(decks), Card.user_id == self._owner, col(Card.position) > last)
                .order_by(col(Card.position))
                .limit(_AT_ONCE)
            )
            found = (await self._session.execute(first)).all()
            if not found:
                return
            notes = {note.id: note for _, note in found}
            cards = await self._cards(list(notes))
            for note in notes.values():
                mine = cards[note.id]
                if (mine[0].position or 0) > last:  # else it came with the batch before
                    yield decks[mine[0].deck_id], note, mine
            last = found[-1][0]

    async def _cards(self, notes: Sequence[UUID]) -> Mapping[UUID, list[Card]]:
        statement = select(Card).where(col(Card.note_id).in_(notes)).order_by(col(Card.position))
        found: dict[UUID, list[Card]] = defaultdict(list)
        for card in (await self._session.execute(statement)).scalars():
            found[card.note_id].append(card)
        return found

    async def _reviews(self, cards: Sequence[UUID]) -> Mapping[UUID, list[OutgoingReview]]:
        statement = (
            select(LoggedReview)
            .where(LoggedReview.user_id == self._owner, col(LoggedReview.card_id).in_(cards))
            .where(col(LoggedReview.undone_at).is_(None))
            .order_by(col(LoggedReview.reviewed_at), col(LoggedReview.id))
        )
        found: dict[UUID, list[OutgoingReview]] = defaultdict(list)
        # Some at a time, between which others have their turn: a log may be of any length.
        async for logged in await self._session.stream_scalars(statement.execution_options(yield_per=_AT_ONCE)):
            found[logged.card_id].append(_review(logged))
        return found

    async def _media(self, used: set[str], folder: Path) -> list[tuple[str, Path]]:
        shelves, copied = Shelves(self._storage, self._owner), list[tuple[str, Path]]()
        for place, media in enumerate(await MediaNames(self._session, self._owner).among(sorted(used))):
            path = folder / f"media-{place}"
            with path.open("wb") as file:
                async for block in shelves.blocks(media):
                    file.write(block)
            copied.append((media.name, path))
        return copied


class _Numbers:
    """Anki's ids: milliseconds since 1970, each once."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, moment: datetime) -> int:
        self._last = max(self._last + 1, int(moment.timestamp() * 1000))
        return self._last


def _outgoing(note: Note, number: int, cards: Sequence[OutgoingCard]) -> OutgoingNote:
    return OutgoingNote(
        number=number,
        guid=note.guid,
        kind=NoteKind(note.kind),
        markup=Markup(note.markup),
        question=note.question,
        answer=note.answer,
        tags=note.tags,
        changed=int(note.updated_at.timestamp()),
        cards=cards,
    )


def _review(logged: LoggedReview) -> OutgoingReview:
    whole = not logged.imported
    return OutgoingReview(
        rating=Rating(logged.rating),
        at=logged.reviewed_at,
        duration_ms=logged.duration_ms,
        before=Memory.model_validate(logged.memory_before or {}) if whole else Memory(),
        after=Memory.model_validate(logged.memory_after or {}) if whole else Memory(),
        revlog=logged.revlog,
    )
