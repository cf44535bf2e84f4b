"""Bringing cards from elsewhere into a student's decks: what it would do, and doing it, whole or not at all.

A note is known by its guid: importing it again updates its text and tags and adds cards that are new; what is known of cards
that are there stays.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from chassis.study_day import StudyDay
from contracts.flashcard import CardCreated
from mesh import Outbox
from pydantic import BaseModel, Field
from sqlalchemy import bindparam, insert, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.anki.deck_options import in_words, taken_over
from flashcard.card_text import fingerprint, ordinals, sides
from flashcard.decks import SEPARATOR, Decks
from flashcard.incoming import Incoming, IncomingCard, IncomingNote, counted, listed
from flashcard.leeches import LEECH
from flashcard.media import MediaNames
from flashcard.memory import Memory
from flashcard.models import SCHEMA, Card, LoggedReview, Note
from flashcard.scheduling import DeckOptions

BATCH = 1000
_SHOWN = 3
T = TypeVar("T")
Progress = Callable[[float], Awaitable[None]]


class Preview(BaseModel):
    """What an import would do, or did."""

    decks: list[str]
    notes: int
    cards: int
    reviews: int = Field(description="Those of cards that are added: cards that are there keep their own")
    media: int
    new: int = Field(description="Notes that are not there yet")
    updated: int = Field(description="Notes that are there with another text or other tags")
    unchanged: int
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class Kept:
    """A note that is there already."""

    id: UUID
    deck_id: UUID
    told: tuple[object, ...]
    changed: datetime
    ordinals: frozenset[int]
    leech_tagged: bool

    def tagged(self, note: IncomingNote) -> IncomingNote:
        """What comes, with the tag that reviews here gave the note, which is not the other side's to take."""
        ours = self.leech_tagged and LEECH not in note.tags
        return replace(note, tags=[*note.tags, LEECH]) if ours else note

    def is_newer(self, note: IncomingNote) -> bool:
        """Whether it was changed here after what comes was changed there."""
        return note.changed is not None and note.changed < self.changed.replace(microsecond=0)


@dataclass(slots=True)
class _Rows:
    """What one batch writes, into decks that are studied by these options."""

    options: Mapping[UUID, DeckOptions]
    notes: list[dict[str, Any]] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    events: list[CardCreated] = field(default_factory=list)


class Importing:
    """One student's imports."""

    def __init__(
        self, session: AsyncSession, owner: UUID, counting: StudyDay, now: datetime, fresh: DeckOptions | None = None
    ) -> None:
        self._session = session
        self._owner = owner
        self._decks = Decks(session, owner, fresh)
        self._fresh = fresh or DeckOptions()
        self._counting = counting
        self._now = now

    async def preview(self, incoming: Incoming) -> Preview:
        """What importing these would do."""
        return await self._preview(incoming, await self._kept(incoming.notes))

    async def _preview(self, incoming: Incoming, kept: Mapping[str, Kept]) -> Preview:
        there = [(kept[note.guid], kept[note.guid].tagged(note)) for note in incoming.notes if note.guid in kept]
        changed = [was.is_newer(note) for was, note in there if was.told != _told(note)]
        newer = changed.count(True)
        stay = counted(
            newer,
            "note was changed here since, and stays as it is",
            "notes were changed here since, and stay as they are",
        )
        warnings = [f"{stay}."] if newer else []
        added, present = _by_presence(incoming.notes, kept)
        scheduled = sum(card.has_past for card in present)
        if scheduled:
            warnings.append(
                f"{counted(scheduled, 'card is here already and keeps its', 'cards are here already and keep their')}"
                " schedule and reviews: to have those of the file, delete the cards first."
            )
        if missing := await self._missing(incoming.missing):
            warnings.append(
                f"{counted(len(missing), 'picture or sound is', 'pictures or sounds are')} not in the file: {listed(missing)}."
                " In Anki, use Check Media, and export the deck again with its media."
            )
        warnings += await self._option_warnings(incoming.options)
        return Preview(
            decks=sorted({note.deck for note in incoming.notes}),
            notes=len(incoming.notes),
            cards=sum(len(note.cards) or len(ordinals(note.kind, note.question)) for note in incoming.notes),
            reviews=sum(len(card.reviews) for card in added),
            media=len(incoming.media),
            new=len(incoming.notes) - len(there),
            updated=len(changed) - newer,
            unchanged=len(there) - len(changed) + newer,
            warnings=[*incoming.warnings, *warnings],
        )

    async def apply(self, incoming: Incoming, progress: Progress) -> Preview:
        """Import these, whose guids differ, in the caller's transaction; `progress` is told the share that is done."""
        kept = await self._kept(incoming.notes)
        done = await self._preview(incoming, kept)
        decks = {name: await self._deck(name, incoming) for name in done.decks}
        # New cards come in the order in which they were to come where they come from.
        ordered = sorted(incoming.notes, key=lambda note: min((card.position for card in note.cards), default=0))
        for place, batch in enumerate(_batches(ordered, BATCH)):
            hold = partial(progress, place * BATCH / len(ordered))
            there = await self._settled(batch, kept)
            await self._write(self._rows(batch, there, decks, await self._decks.options()), hold)
            await progress(min(1.0, (place + 1) * BATCH / max(1, len(ordered))))
        return done

    async def _deck(self, name: str, incoming: Incoming) -> UUID:
        if parent := name.rpartition(SEPARATOR)[0]:
            await self._deck(parent, incoming)
        options = taken_over(incoming.options.get(name, {}), self._fresh)
        return (await self._decks.ensure(name, self._now, options)).id

    async def _missing(self, names: Sequence[str]) -> Sequence[str]:
        """Those of the names that no file of the student has either."""
        there = {media.name for media in await MediaNames(self._session, self._owner).among(names)} if names else set()
        return [name for name in names if name not in there]

    async def _option_warnings(self, options: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
        here, warnings = await self._here(options), list[str]()
        if lost := _lost(options, here):
            parts = [f"{own} in {listed(decks)}" for own, decks in lost.items()]
            shown = "; ".join(parts[:_SHOWN]) + ("; others in other decks" if len(parts) > _SHOWN else "")
            warnings.append(
                f"Deck options of Anki are not taken over: {shown}."
                " Once the decks are here, set what you want to keep (PATCH /decks/{id})."
            )
        if by_sm2 := [
            name for name in here if options[name].get("algorithm", here[name].algorithm) != here[name].algorithm
        ]:
            warnings.append(
                f"Anki studied {listed(by_sm2)} by its SM-2. Here they go on by FSRS, from the same days and intervals; SM-2 here is"
                " SuperMemo's, and would count their log anew."
            )
        return warnings

    async def _here(self, options: Mapping[str, Mapping[str, Any]]) -> Mapping[str, DeckOptions]:
        """The options that decks of these names have, or will have when they come with these."""
        there = {deck.name: deck.options for deck in await self._decks.all()} if any(options.values()) else {}
        return {
            name: DeckOptions.model_validate(there[name]) if name in there else taken_over(own, self._fresh)
            for name, own in sorted(options.items())
        }

    async def _kept(self, notes: Sequence[IncomingNote]) -> Mapping[str, Kept]:
        found: dict[str, Kept] = {}
        for batch in _batches(notes, BATCH * 10):
            statement = select(Note, Card.ordinal, Card.deck_id).join(Card)
            statement = statement.where(Note.user_id == self._owner, col(Note.guid).in_([note.guid for note in batch]))
            fresh = statement.execution_options(populate_existing=True)
            for note, ordinal, deck_id in (await self._session.execute(fresh)).all():
                before = found.get(
                    note.guid, Kept(note.id, deck_id, _told(note), note.updated_at, frozenset(), note.leech_tagged)
                )
                found[note.guid] = replace(before, ordinals=before.ordinals | {ordinal})
        return found

    async def _settled(self, batch: Sequence[IncomingNote], kept: Mapping[str, Kept]) -> Mapping[str, Kept]:
        """What is kept of these notes; of those that get further cards as it is by now, and stays until the end: they may have been moved
        or deleted since they were read."""
        known = [(note, kept[note.guid].ordinals) for note in batch if note.guid in kept]
        growing = [note for note, there in known if any(card.ordinal not in there for card in _cards(note))]
        if not growing:
            return kept
        guids = [note.guid for note in growing]
        mine = select(Note.id).where(Note.user_id == self._owner, col(Note.guid).in_(guids)).order_by(col(Note.id))
        await self._session.execute(mine.with_for_update())
        return {guid: was for guid, was in kept.items() if guid not in guids} | dict(await self._kept(growing))

    def _rows(
        self,
        notes: Sequence[IncomingNote],
        kept: Mapping[str, Kept],
        decks: Mapping[str, UUID],
        options: Mapping[UUID, DeckOptions],
    ) -> _Rows:
        rows = _Rows(options)
        for note in notes:
            there = kept.get(note.guid)
            note_id, deck_id = (there.id, there.deck_id) if there else (uuid4(), decks[note.deck])
            if there is None:
                rows.notes.append(self._note_row(note, note_id))
            elif there.told != _told(tagged := there.tagged(note)) and not there.is_newer(note):
                rows.changes.append({"of": note_id, "at": self._moment(note), **_text(tagged)})
            for card in _cards(note):
                if there is None or card.ordinal not in there.ordinals:
                    self._add_card(rows, note, card, note_id, deck_id)
        return rows

    def _moment(self, note: IncomingNote) -> datetime:
        """When its text was changed: elsewhere, as far as that is known, or now."""
        return min(note.changed or self._now, self._now)

    def _note_row(self, note: IncomingNote, note_id: UUID) -> dict[str, Any]:
        moments = {"version": 1, "created_at": self._now, "updated_at": self._moment(note)}
        return {"id": note_id, "user_id": self._owner, "guid": note.guid} | _text(note) | moments

    def _add_card(self, rows: _Rows, note: IncomingNote, card: IncomingCard, note_id: UUID, deck_id: UUID) -> None:
        card_id = uuid4()
        place = {"id": card_id, "user_id": self._owner, "note_id": note_id, "deck_id": deck_id, "ordinal": card.ordinal}
        base = card.memory.model_dump(mode="json", exclude_defaults=True)
        kept = {"suspended": card.suspended, "version": 1, "created_at": self._now, "base": base}
        past = {
            "base_options": rows.options[deck_id].of_base() if base else None,
            "base_reviews": sum(review.replayable for review in card.reviews),
        }
        rows.cards.append(place | kept | past | card.memory.model_dump())
        rows.reviews += [self._review_row(note, card, number, card_id, deck_id) for number in range(len(card.reviews))]
        front, back = sides(note.kind, note.question, note.answer, card.ordinal)
        rows.events.append(
            CardCreated(
                card_id=card_id,
                note_id=note_id,
                deck_id=deck_id,
                user_id=self._owner,
                question=front,
                answer=back,
                tags=list(note.tags),
                version=1,
            )
        )

    def _review_row(
        self, note: IncomingNote, card: IncomingCard, number: int, card_id: UUID, deck_id: UUID
    ) -> dict[str, Any]:
        review = card.reviews[number]
        return {
            "user_id": self._owner,
            # The same review imported again, after its card was deleted, is still the same.
            "id": uuid5(NAMESPACE_OID, f"{note.guid}/{card.ordinal}/{review.number}"),
            "card_id": card_id,
            "deck_id": deck_id,
            "rating": review.rating,
            "quality": review.rating.quality,
            "reviewed_at": review.at,
            "received_at": self._now,
            "day": self._counting.day_of(review.at),
            "duration_ms": review.duration_ms,
            "imported": True,
            "replayable": review.replayable,
            "made_leech": False,
            "revlog": review.revlog,
            "memory_before": {"phase": review.phase, "interval": review.last_interval},
        }

    async def _write(self, rows: _Rows, hold: Callable[[], Awaitable[None]]) -> None:
        """Write these; `hold` is called before anybody could take the import for dead."""
        if rows.notes:
            await self._session.execute(insert(Note), rows.notes)
        if rows.changes:
            new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in _text_columns()}
            statement = update(Note).where(col(Note.id) == bindparam("of"))
            changed = statement.values(**new, version=Note.version + 1, updated_at=bindparam("at"))
            connection = await self._session.connection()
            named = [{f"new_{k}" if k in new else k: v for k, v in change.items()} for change in rows.changes]
            await connection.execute(changed, named)
        if rows.cards:
            await self._session.execute(insert(Card), rows.cards)
        if rows.reviews:
            logged = postgresql.insert(LoggedReview)
            again = {name: logged.excluded[name] for name in ("card_id", "deck_id", "replayable")}
            kept = logged.on_conflict_do_update(index_elements=["user_id", "id"], set_=again)
            # One statement many times: thousands of rows in one text take SQLAlchemy longer to write than PostgreSQL to do. Of a
            # thousand notes' logs, which may be of any length, so many at once as are surely written before it is given up.
            for some in _batches(rows.reviews, BATCH * 10):
                await (await self._session.connection()).execute(kept, some)
                await hold()
        await Outbox(self._session, SCHEMA).add(*rows.events)


def _by_presence(
    notes: Sequence[IncomingNote], kept: Mapping[str, Kept]
) -> tuple[Sequence[IncomingCard], Sequence[IncomingCard]]:
    """The cards that are added, and those that are there."""
    added, present = list[IncomingCard](), list[IncomingCard]()
    for note in notes:
        there = kept[note.guid].ordinals if note.guid in kept else frozenset[int]()
        for card in note.cards:
            (present if card.ordinal in there else added).append(card)
    return added, present


def _lost(options: Mapping[str, Mapping[str, Any]], here: Mapping[str, DeckOptions]) -> Mapping[str, Sequence[str]]:
    """Which of these options the decks here do not have, in words, and the names of their decks. The algorithm is another matter."""
    lost = defaultdict[str, list[str]](list)
    for name, ours in here.items():
        own = {key: value for key, value in options[name].items() if key != "algorithm"}
        if other := [in_words(key, value) for key, value in own.items() if value != getattr(ours, key)]:
            lost[", ".join(other)].append(name)
    return lost


def _cards(note: IncomingNote) -> Sequence[IncomingCard]:
    if note.cards:
        return note.cards
    return [IncomingCard(ordinal, Memory(), False, 0) for ordinal in ordinals(note.kind, note.question)]


def _told(note: IncomingNote | Note) -> tuple[object, ...]:
    """What makes a note another one than before."""
    return (str(note.kind), str(note.markup), note.question, note.answer, frozenset(note.tags))


def _text(note: IncomingNote) -> dict[str, Any]:
    return {
        "kind": note.kind,
        "markup": note.markup,
        "question": note.question,
        "answer": note.answer,
        "tags": list(dict.fromkeys(note.tags)),
        "fingerprint": fingerprint(note.question),
    }


def _text_columns() -> Sequence[str]:
    return ("kind", "markup", "question", "answer", "tags", "fingerprint")


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
