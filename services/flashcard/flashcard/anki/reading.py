"""From a package to cards in our own terms."""

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chassis.study_day import StudyDay

from flashcard.anki import memories
from flashcard.anki.archive import Archive
from flashcard.anki.collection import AnkiCard, AnkiNote, AnkiReview, Collection, damage_told, read_collection
from flashcard.anki.schema import MARKDOWN_TYPES
from flashcard.anki.templates import LONGEST_SIDE, Face, faces_of
from flashcard.card_text import ordinals
from flashcard.decks import DEFAULT, SEPARATOR
from flashcard.fitting import Fitting
from flashcard.incoming import Incoming, IncomingCard, IncomingNote, IncomingReview, counted, listed
from flashcard.media import names_missing
from flashcard.models import Markup, NoteKind

_MOST_MISSING = 100_000


def read_package(archive: Archive, counting: StudyDay) -> Incoming:
    """The cards in an open package, for a student who counts days so. Raises `NotAPackage`."""
    with tempfile.TemporaryDirectory(prefix="apkg-") as folder:
        path = Path(folder) / "collection"
        archive.write_collection(path)
        with damage_told():
            return _Reader(read_collection(path, counting)).incoming(archive)


class _Reader:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._cards: dict[int, list[AnkiCard]] = defaultdict(list)
        self._reviews: dict[int, list[AnkiReview]] = defaultdict(list)
        self._replays = memories.Replays()
        self._fitting = Fitting()
        self._options: dict[str, dict[str, Any]] = {}
        self._by_fsrs = any(card.data.get("s", 0) > 0 for card in collection.cards)
        self._split = self._skipped = self._gathered = self._timeless = 0
        for card in collection.cards:
            self._cards[card.note_id].append(card)
        there = {card.id for card in collection.cards}
        for review in collection.reviews:
            if review.ease <= 0 or review.card_id not in there:  # ease 0 is a change of schedule by hand, and no review
                continue
            if memories.is_plausible(review.id / 1000):
                self._reviews[review.card_id].append(review)
            else:
                self._timeless += 1

    def incoming(self, archive: Archive) -> Incoming:
        notes = [made for note in self._collection.notes for made in self._notes(note)]
        self._take_options_of_parents()
        return Incoming(
            notes,
            list(archive.media),
            [*self._warnings(), *_refused(archive.refused)],
            sorted({note.deck for note in notes}),
            _missing(notes, archive),
            self._options,
        )

    def _take_options_of_parents(self) -> None:
        """Of decks that hold other decks alone: their limits hold for whoever studies all of these together."""
        numbers = {_storable(name): number for number, name in self._collection.decks.items()}
        for name in list(self._options):
            while name := name.rpartition(SEPARATOR)[0]:
                if name in numbers:
                    self._options.setdefault(name, dict(self._collection.options.get(numbers[name], {})))

    def _notes(self, note: AnkiNote) -> list[IncomingNote]:
        kind, cards = self._collection.types.get(note.type_id), self._cards.get(note.id, [])
        if kind is None or not cards:
            self._skipped += 1
            return []
        faces = faces_of(kind, note.values)
        self._split += len(faces) > 1
        made = []
        for face in faces:
            guid = note.guid if len(faces) == 1 else f"{note.guid}:{face.ordinals[0]}"
            if (incoming := self._note(note, face, guid, cards)) is not None:
                made.append(incoming)
            else:
                self._skipped += 1
        return made

    def _note(self, note: AnkiNote, face: Face, guid: str, cards: Sequence[AnkiCard]) -> IncomingNote | None:
        places = _places(face)
        mine = [card for card in cards if card.ordinal in places and card.type in (0, 1, 2, 3)]
        if not mine or not face.question.strip() or max(len(face.question), len(face.answer)) > LONGEST_SIDE:
            return None
        self._gathered += len({card.deck_id for card in mine}) > 1
        deck = self._fitting.deck(_storable(self._collection.decks.get(mine[0].deck_id, DEFAULT)))
        options = self._options.setdefault(deck, dict(self._collection.options.get(mine[0].deck_id, {})))
        # A package does not say which algorithm it was: FSRS leaves a memory on each card that was learnt.
        if not self._by_fsrs and any(card.type in (memories.REVIEW, memories.RELEARNING) for card in mine):
            options["algorithm"] = "sm2"
        return IncomingNote(
            guid=self._fitting.guid(_storable(guid)),
            kind=face.kind,
            question=_storable(face.question),
            answer=_storable(face.answer),
            tags=self._fitting.tags([_storable(tag) for tag in note.tags]),
            deck=deck,
            cards=[self._card(card, places[card.ordinal]) for card in mine],
            changed=memories.moment_of(note),
            markup=Markup.MARKDOWN if note.type_id in MARKDOWN_TYPES else Markup.HTML,
        )

    def _card(self, card: AnkiCard, ordinal: int) -> IncomingCard:
        reviews = self._reviews.get(card.id, [])
        past = memories.replayable(card, reviews)
        return IncomingCard(
            ordinal=ordinal,
            memory=memories.memory_of(card, reviews, self._collection, self._replays),
            suspended=card.queue == memories.SUSPENDED,
            position=memories.position_of(card),
            reviews=[_review(review, replayable=review.id in past) for review in reviews],
        )

    def _warnings(self) -> list[str]:
        told = []
        if self._split:
            split = counted(self._split, "note has", "notes have")
            told.append(f"{split} more than two sides: each of the cards becomes a card of its own.")
        if self._gathered:
            gathered = counted(self._gathered, "note has", "notes have")
            told.append(f"{gathered} cards in several decks: all go into the deck of the first.")
        if self._skipped:
            skipped, left = counted(self._skipped, "note is", "notes are"), "is" if self._skipped == 1 else "are"
            told.append(f"{skipped} empty, too long, or of no known type, and {left} left out.")
        if self._timeless:
            told.append(
                f"{counted(self._timeless, 'review is', 'reviews are')} left out: when they happened cannot be."
            )
        return [*told, *self._fitting.warnings()]


def _refused(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    return [
        f"{counted(len(names), 'picture or sound is', 'pictures or sounds are')} left out for a name that has / or \\ or a"
        f" control character in it, or is empty or too long: {listed(names)}. Give them other names in Anki, and export the deck again."
    ]


def _missing(notes: Sequence[IncomingNote], archive: Archive) -> Sequence[str]:
    """Which files the package tells of, or its cards show, without having them."""
    missing = dict.fromkeys(archive.absent)
    for note in notes:
        for side in (note.question, note.answer):
            missing |= dict.fromkeys(names_missing(side, note.markup, archive.media))
        if len(missing) > _MOST_MISSING:
            break
    return [_storable(name) for name in missing]


def _places(face: Face) -> Mapping[int, int]:
    """Which ordinal of ours each of Anki's cards has."""
    if face.kind is not NoteKind.CLOZE:
        return {theirs: ours for ours, theirs in enumerate(face.ordinals)}
    try:
        return {ordinal: ordinal for ordinal in ordinals(NoteKind.CLOZE, face.question)}
    except ValueError:
        return {}


def _review(review: AnkiReview, *, replayable: bool) -> IncomingReview:
    return IncomingReview(
        number=review.id,
        rating=memories.rating_of(review),
        at=datetime.fromtimestamp(review.id / 1000, UTC),
        duration_ms=min(max(review.duration_ms, 0), 24 * 3600 * 1000),
        phase=memories.phase_before(review),
        last_interval=memories.days_before(review),
        revlog={
            "ease": review.ease,
            "ivl": review.interval,
            "lastIvl": review.last_interval,
            "factor": review.factor,
            "time": review.duration_ms,
            "type": review.type,
        },
        replayable=replayable,
    )


def _storable(text: str) -> str:
    """Without what PostgreSQL and JSON cannot hold."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
