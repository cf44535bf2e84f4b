"""The SQLite database inside a package, in both of its forms: schema 11 keeps note types and decks as JSON, schema 18 in tables."""

import json
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from chassis.study_day import StudyDay

from flashcard.anki import deck_options
from flashcard.anki.archive import NotAPackage
from flashcard.anki.protobuf import fields_of, text_of
from flashcard.anki.templates import NoteType, Template

READING_SECONDS = 60.0
_MOST_NOTES, _MOST_CARDS, _MOST_REVIEWS, _MOST_TYPES = 200_000, 400_000, 1_000_000, 10_000
_LONGEST_VALUE, _MOST_TEXT = 16 * 1024 * 1024, 128 * 1024 * 1024
_SCHEMA_WITH_TABLES = 15
_KEPT = ("s", "d", "lrt", "pos")  # of the JSON beside a card: FSRS's memory, the last review, the place among new ones
_DAY, _LATEST = 24 * 60, 4_102_444_800  # minutes; the year 2100
_DAMAGE = (
    sqlite3.Error,
    struct.error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    OSError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class AnkiNote:
    """A row of `notes`; `changed` in seconds since 1970."""

    id: int
    guid: str
    type_id: int
    changed: int
    tags: Sequence[str]
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class AnkiCard:
    """A row of `cards`, taken out of a filtered deck. `due` means what `type` and `queue` say."""

    id: int
    note_id: int
    deck_id: int
    ordinal: int
    type: int
    queue: int
    due: int
    interval: int
    factor: int
    reps: int
    lapses: int
    data: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class AnkiReview:
    """A row of `revlog`; `id` in milliseconds since 1970, `interval` in days, or negative in seconds."""

    id: int
    card_id: int
    ease: int
    interval: int
    last_interval: int
    factor: int
    duration_ms: int
    type: int


@dataclass(frozen=True, slots=True)
class Collection:
    """What a package holds. `first_day` is the day with number 0, `west` the collection's zone in minutes west of Greenwich,
    `counting` how the student who brings it counts days, and `options` those of decks that are not Anki's defaults."""

    first_day: date
    west: int
    counting: StudyDay
    decks: Mapping[int, str]
    types: Mapping[int, NoteType]
    notes: Sequence[AnkiNote]
    cards: Sequence[AnkiCard]
    reviews: Sequence[AnkiReview]
    options: Mapping[int, deck_options.Options] = field(default_factory=dict)

    def day_of(self, moment: datetime) -> date:
        """The collection's own day at `moment`, which begins at 4 am there."""
        return (moment - timedelta(minutes=self.west, hours=4)).date()


def read_collection(path: Path, counting: StudyDay) -> Collection:
    """Read the database. Raises `NotAPackage` for what is damaged, hostile, or too large."""
    with _database(path) as database:
        created, conf, version = database.execute("SELECT crt, conf, ver FROM col").fetchone()
        newer = version >= _SCHEMA_WITH_TABLES
        config = _config(database) if newer else json.loads(conf)
        began = datetime.fromtimestamp(min(max(0, created), _LATEST), ZoneInfo(counting.zone))
        if (
            offset := config.get("creationOffset")
        ) is None:  # an old Anki: it counted where it was, which the student knows
            offset = -(began.utcoffset() or timedelta()) // timedelta(minutes=1)
        west = min(max(-_DAY, int(offset)), _DAY)
        notes = _rows(database, "id, guid, mid, mod, tags, flds FROM notes", _MOST_NOTES)
        cards = _rows(
            database, "id, nid, did, ord, type, queue, due, ivl, factor, reps, lapses, odue, odid, data FROM cards",
            _MOST_CARDS,
        )  # fmt: skip
        reviews = "id, cid, ease, ivl, lastIvl, factor, time, type FROM revlog ORDER BY id"
        return Collection(
            first_day=(began.astimezone(UTC) - timedelta(minutes=west)).date(),
            west=west,
            counting=counting,
            decks=_decks(database) if newer else _decks_of(json.loads(_scalar(database, "SELECT decks FROM col"))),
            types=_types(database) if newer else _types_of(json.loads(_scalar(database, "SELECT models FROM col"))),
            notes=[_note(row) for row in notes],
            cards=[_card(row) for row in cards],
            reviews=[AnkiReview(*map(int, row)) for row in _rows(database, reviews, _MOST_REVIEWS)],
            options=_options(database, newer=newer),
        )


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, read only, for a bounded time: a view of a stranger's may compute for ever, and its values be of any length."""
    end = monotonic() + READING_SECONDS
    database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        database.execute("PRAGMA trusted_schema=OFF")
        database.execute("PRAGMA cell_size_check=ON")
        database.create_collation("unicase", lambda a, b: (a.casefold() > b.casefold()) - (a.casefold() < b.casefold()))
        database.set_progress_handler(lambda: monotonic() > end, 10_000)
        yield database
    finally:
        database.close()


@contextmanager
def damage_told() -> Iterator[None]:
    """What a stranger's data breaks in here is told as `NotAPackage`."""
    try:
        yield
    except _DAMAGE as error:
        raise NotAPackage(
            "The collection in this package is damaged. In Anki, use Check Database, and export again."
        ) from error


def _rows(database: sqlite3.Connection, query: str, most: int, *values: object) -> Iterator[Sequence[Any]]:
    """What the query gives. Raises `NotAPackage` for more rows than `most`, or more text than is held at once."""
    text = 0
    for place, row in enumerate(database.execute(f"SELECT {query}", values)):  # the queries are ours
        text += sum(len(value) for value in row if isinstance(value, str | bytes))
        if place >= most or text > _MOST_TEXT:
            raise NotAPackage("This deck is too large to be read at once. Export it in parts, or without its history.")
        yield row


def _scalar(database: sqlite3.Connection, query: str) -> str:
    return str(database.execute(query).fetchone()[0])


def _config(database: sqlite3.Connection) -> Mapping[str, Any]:
    return {
        key: json.loads(value)
        for key, value in database.execute("SELECT key, val FROM config WHERE key = 'creationOffset'")
    }


def _note(row: Sequence[Any]) -> AnkiNote:
    note_id, guid, type_id, changed, tags, values = row
    return AnkiNote(int(note_id), str(guid), int(type_id), int(changed), str(tags).split(), str(values).split("\x1f"))


def _card(row: Sequence[Any]) -> AnkiCard:
    card_id, note_id, deck_id, ordinal, kind, queue, due, interval, factor, reps, lapses, odue, odid, data = row
    read = json.loads(data) if data else {}
    extra = read if isinstance(read, dict) else {}
    home, at = (odid, odue) if odid else (deck_id, due)
    return AnkiCard(
        id=int(card_id),
        note_id=int(note_id),
        deck_id=int(home),
        ordinal=int(ordinal),
        type=int(kind),
        queue=int(queue),
        due=int(at),
        interval=int(interval),
        factor=int(factor),
        reps=int(reps),
        lapses=int(lapses),
        # No more of it is held than is used: a stranger's JSON may be of any size.
        data={name: extra[name] for name in _KEPT if isinstance(extra.get(name), int | float)},
    )


def _decks_of(decks: Mapping[str, Mapping[str, Any]]) -> Mapping[int, str]:
    return {int(deck_id): str(deck["name"]) for deck_id, deck in decks.items()}


def _decks(database: sqlite3.Connection) -> Mapping[int, str]:
    return {
        deck_id: name.replace("\x1f", "::") for deck_id, name in _rows(database, "id, name FROM decks", _MOST_TYPES)
    }


def _options(database: sqlite3.Connection, *, newer: bool) -> Mapping[int, deck_options.Options]:
    """Nothing of where they cannot be read: the cards are there all the same."""
    with suppress(*_DAMAGE):
        if newer:
            decks = _rows(database, "id, kind FROM decks", _MOST_TYPES)
            return deck_options.of_tables(decks, _rows(database, "id, config FROM deck_config", _MOST_TYPES))
        decks, presets = database.execute("SELECT decks, dconf FROM col").fetchone()
        return deck_options.of_json(json.loads(decks), json.loads(presets))
    return {}


def _types_of(models: Mapping[str, Mapping[str, Any]]) -> Mapping[int, NoteType]:
    return {
        int(type_id): NoteType(
            name=str(model["name"]),
            cloze=model["type"] == 1,
            fields=[str(field["name"]) for field in model["flds"]],
            templates=[Template(int(t["ord"]), str(t["qfmt"]), str(t["afmt"])) for t in model["tmpls"]],
        )
        for type_id, model in models.items()
    }


def _types(database: sqlite3.Connection) -> Mapping[int, NoteType]:
    """Their settings are protocol buffers: field 1 of a type is 1 for cloze, 1 and 2 of a template are front and back."""
    found = {}
    for type_id, name, config in list(_rows(database, "id, name, config FROM notetypes", _MOST_TYPES)):
        fields = list(_rows(database, "name FROM fields WHERE ntid = ? ORDER BY ord", _MOST_TYPES, type_id))
        templates = []
        sides = "ord, config FROM templates WHERE ntid = ? ORDER BY ord"
        for ordinal, settings in _rows(database, sides, _MOST_TYPES, type_id):
            read = dict(fields_of(settings))
            templates.append(Template(ordinal, text_of(read.get(1)), text_of(read.get(2))))
        found[type_id] = NoteType(name, dict(fields_of(config)).get(1) == 1, [row[0] for row in fields], templates)
    return found
