"""The real Anki, by its own package: what it exports, and what it makes of ours. Run by tests alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anki.collection import (
    Collection,
    DeckIdLimit,
    ExportAnkiPackageOptions,
    ImportAnkiPackageOptions,
    ImportAnkiPackageRequest,
    ImportCsvRequest,
)
from anki.decks import DeckId
from anki.scheduler.v3 import CardAnswer, Scheduler

Row = dict[str, Any]
FIELDS = ("ord", "type", "queue", "due", "ivl", "factor", "reps", "lapses")
RATINGS = {"again": CardAnswer.AGAIN, "hard": CardAnswer.HARD, "good": CardAnswer.GOOD, "easy": CardAnswer.EASY}


class Anki:
    """A collection of its own."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    def add(self, kind: str, deck: str, *fields: str, tags: str = "") -> None:
        note = self.collection.new_note(self.collection.models.by_name(kind))  # type: ignore[arg-type]  # it is there
        for place, text in enumerate(fields):
            note.fields[place] = text
        note.tags = tags.split()
        self.collection.add_note(note, self.collection.decks.id(deck))  # type: ignore[arg-type]  # made where it is missing

    def answer(self, deck: str, *ratings: str) -> None:
        """Answer the cards that the scheduler gives, one after the other."""
        self.collection.decks.select(self.collection.decks.id(deck))  # type: ignore[arg-type]  # it is there
        scheduler = self.collection.sched
        assert isinstance(scheduler, Scheduler)
        for rating in ratings:
            queued = scheduler.get_queued_cards(fetch_limit=1).cards[0]
            card = self.collection.get_card(queued.card.id)
            card.start_timer()
            built = scheduler.build_answer(card=card, states=queued.states, rating=RATINGS[rating])
            scheduler.answer_card(built)

    def gather(self, deck: str, search: str) -> None:
        """Make a filtered deck of the cards that a search finds."""
        made = self.collection.sched.get_or_create_filtered_deck(DeckId(0))
        made.name = deck
        made.config.search_terms[0].search = search
        self.collection.sched.add_or_update_filtered_deck(made)

    def export(self, path: Path, deck: str | None, *, legacy: bool, scheduling: bool = True) -> bytes:
        options = ExportAnkiPackageOptions(
            with_scheduling=scheduling, with_deck_configs=True, with_media=True, legacy=legacy
        )
        limit = DeckIdLimit(self.collection.decks.id(deck)) if deck else None  # type: ignore[arg-type]  # it is there
        self.collection.export_anki_package(out_path=str(path), options=options, limit=limit)
        return path.read_bytes()

    def bring_in(self, path: Path) -> None:
        options = ImportAnkiPackageOptions(with_scheduling=True, with_deck_configs=True)
        self.collection.import_anki_package(ImportAnkiPackageRequest(package_path=str(path), options=options))

    def bring_in_table(self, path: Path) -> None:
        """As its dialog does that is left as it is."""
        metadata = self.collection.get_csv_metadata(str(path), None)
        self.collection.import_csv(ImportCsvRequest(path=str(path), metadata=metadata))

    def export_table(self, path: Path, deck: str) -> bytes:
        limit = DeckIdLimit(self.collection.decks.id(deck))  # type: ignore[arg-type]  # it is there
        self.collection.export_note_csv(
            out_path=str(path),
            limit=limit,
            with_html=True,
            with_tags=True,
            with_deck=True,
            with_notetype=True,
            with_guid=True,
        )
        return path.read_bytes()

    def cards(self) -> list[Row]:
        """Every card with its texts, in the order of notes and cards."""
        found = self.collection.db.all(  # type: ignore[union-attr]  # it is open
            f"SELECT n.guid, n.flds, n.tags, c.did, c.data, {', '.join('c.' + name for name in FIELDS)} "
            "FROM cards c JOIN notes n ON n.id = c.nid ORDER BY n.guid, c.ord"
        )
        rows = [dict(zip(("guid", "flds", "tags", "did", "data", *FIELDS), row, strict=True)) for row in found]
        for row in rows:
            row["deck"] = self.collection.decks.name(row.pop("did"))
            data = json.loads(row.pop("data") or "{}")
            row["memory"] = (data.get("s"), data.get("d"))
        return rows

    def reviews(self) -> list[list[int]]:
        query = "SELECT id, ease, ivl, lastIvl, factor, time, type FROM revlog ORDER BY id"
        return [list(row) for row in self.collection.db.all(query)]  # type: ignore[union-attr]  # it is open


@contextmanager
def anki(folder: Path, *, fsrs: bool = False) -> Iterator[Anki]:
    folder.mkdir(exist_ok=True)
    collection = Collection(str(folder / "collection.anki2"))
    if fsrs:
        collection.set_config("fsrs", True)
    try:
        yield Anki(collection)
    finally:
        collection.close()
