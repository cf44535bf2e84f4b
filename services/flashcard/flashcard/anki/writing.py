"""Writing a package that any Anki opens: schema 11, the form that both old and present versions read."""

import asyncio
import hashlib
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from pathlib import Path
from typing import Any

from chassis.study_day import StudyDay

from flashcard.anki import memories
from flashcard.anki.schema import CONFIG, DECK, NOTE_TYPES, OPTIONS, TABLES
from flashcard.memory import Memory
from flashcard.models import Markup, NoteKind
from flashcard.ratings import Rating

_REVIEWS_IN_A_TURN = 1000
_MARKUP = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class OutgoingReview:
    """A review to be written; `revlog` is Anki's own row where it came from there."""

    rating: Rating
    at: datetime
    duration_ms: int | None
    before: Memory
    after: Memory
    revlog: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class OutgoingCard:
    """A card to be written. `number` is unique among all, in milliseconds since 1970."""

    number: int
    ordinal: int
    deck: str
    position: int
    memory: Memory
    suspended: bool
    buried: bool
    reviews: Sequence[OutgoingReview]


@dataclass(frozen=True, slots=True)
class OutgoingNote:
    """A note to be written with its cards. `number` as of a card; `changed` in seconds since 1970."""

    number: int
    guid: str
    kind: NoteKind
    markup: Markup
    question: str
    answer: str
    tags: Sequence[str]
    changed: int
    cards: Sequence[OutgoingCard]


class PackageWriter:
    """Writes notes into a collection. `with PackageWriter(path, …) as writer: await writer.add(note)`, then `pack`."""

    def __init__(self, path: Path, decks: Iterable[str], counting: StudyDay, now: datetime, steps: int) -> None:
        self._database = sqlite3.connect(path)
        self._steps = steps
        self._usn = -1
        self._last_review = 0
        today = counting.day_of(now)
        # Anki counts days from here; what is overdue for longer has a negative number, which it takes as well.
        self._first_day = today - timedelta(days=1)
        self._west = _west(counting, self._first_day)
        self._decks = {name: 1_500_000_000_000 + place for place, name in enumerate(sorted(set(decks)))}
        self._database.executescript(TABLES)
        self._write_head(counting, now)

    def __enter__(self) -> "PackageWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.commit()
        self._database.close()

    async def add(self, note: OutgoingNote) -> None:
        """Write a note, its cards and their reviews."""
        plain = unescape(_MARKUP.sub("", note.question))
        checksum = int(hashlib.sha1(plain.encode(), usedforsecurity=False).hexdigest()[:8], 16)
        tags = f" {' '.join(note.tags)} " if note.tags else ""
        fields = f"{note.question}\x1f{note.answer}"
        kind = NOTE_TYPES[note.kind, note.markup]["id"]
        self._insert(
            "notes", (note.number, note.guid, kind, note.changed, self._usn, tags, fields, plain, checksum, 0, "")
        )
        for card in note.cards:
            self._add_card(note, card)
            for place, review in enumerate(card.reviews):
                self._add_review(card.number, review)
                if place % _REVIEWS_IN_A_TURN == 0:
                    await asyncio.sleep(0)  # others have their turn, however long the log is

    def _add_card(self, note: OutgoingNote, card: OutgoingCard) -> None:
        columns = memories.card_columns(card.memory, self._first_day, card.position, self._steps)
        queue = columns["queue"]
        if card.suspended:
            queue = memories.SUSPENDED
        elif card.buried:
            queue = memories.USER_BURIED
        data = json.dumps(memories.card_data(card.memory, card.position), separators=(",", ":"))
        numbers = [columns[name] for name in ("due", "ivl", "factor", "reps", "lapses", "left")]
        row = (card.number, note.number, self._decks[card.deck], card.ordinal, note.changed, self._usn)
        self._insert("cards", (*row, columns["type"], queue, *numbers, 0, 0, 0, data))

    def _add_review(self, card: int, review: OutgoingReview) -> None:
        row = review.revlog or memories.revlog_columns(
            review.before, review.after, review.rating, review.at, review.duration_ms
        )
        number = int(review.at.timestamp() * 1000 + 0.5)
        while self._database.execute("SELECT 1 FROM revlog WHERE id = ?", (number,)).fetchone():
            number += 1  # two cards reviewed in the same millisecond
        self._insert("revlog", (number, card, self._usn, *memories.readable_revlog(row)))

    def _insert(self, table: str, row: Sequence[Any]) -> None:
        marks = ",".join("?" * len(row))
        self._database.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 # the names are ours

    def _write_head(self, counting: StudyDay, now: datetime) -> None:
        began = datetime.combine(self._first_day, time(4), UTC) + timedelta(minutes=self._west)
        changed = int(now.timestamp())
        config = CONFIG | {"creationOffset": self._west, "rollover": counting.starts_at}
        decks = {"1": DECK | {"id": 1, "name": "Default", "mod": 0}}
        decks |= {
            str(number): DECK | {"id": number, "name": name, "mod": changed} for name, number in self._decks.items()
        }
        types = {str(kind["id"]): kind for kind in NOTE_TYPES.values()}
        texts = [json.dumps(value) for value in (config, types, decks, {"1": OPTIONS}, {})]
        self._insert("col", (1, int(began.timestamp()), changed * 1000, changed * 1000, 11, 0, 0, 0, *texts))


def pack(path: Path, collection: Path, media: Iterable[tuple[str, Path]]) -> None:
    """Put the collection and media, by the names that cards use, into a package."""
    names: dict[str, str] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.write(collection, "collection.anki2")
        for name, file in media:
            member = str(len(names))
            names[member] = name
            package.write(file, member)
        package.writestr("media", json.dumps(names))


def _west(counting: StudyDay, day: date) -> int:
    noon = counting.start_of(day)
    local = datetime.combine(day, time(counting.starts_at), UTC)
    return round((noon - local) / timedelta(minutes=1))
