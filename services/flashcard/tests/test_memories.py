"""What FSRS knows of cards that Anki kept for SM-2: what the real Anki makes of the same log."""

from dataclasses import replace
from pathlib import Path

import pytest
from chassis.study_day import StudyDay
from flashcard.anki import memories
from flashcard.anki.archive import opened
from flashcard.anki.collection import Collection, read_collection
from flashcard.fsrs_scheduling import from_sm2

from .real_anki import anki
from .test_anki_packages import biology


def collection_of(folder: Path) -> Collection:
    """Cards of the real Anki that were answered several times, with its FSRS on."""
    with anki(folder / "anki", fsrs=True) as real:
        biology(real)
        real.answer("Biology", "good", "again", "hard", "good", "good")
        package = folder / "deck.apkg"
        real.export(package, "Biology", legacy=True)
    with opened(package) as archive:
        archive.write_collection(folder / "collection.anki21")
    return read_collection(folder / "collection.anki21", StudyDay())


def test_a_complete_log_gives_the_memory_that_anki_makes_of_it(tmp_path: Path) -> None:
    collection = collection_of(tmp_path)
    known = [card for card in collection.cards if card.data.get("s")]
    assert len(known) >= 4
    for card in known:
        log = [review for review in collection.reviews if review.card_id == card.id and review.ease > 0]
        memory = memories.memory_of(replace(card, data={}), log, collection, memories.Replays())
        assert memory.stability == pytest.approx(card.data["s"], rel=0.01)
        assert memory.difficulty == pytest.approx(card.data["d"], rel=0.01)


def test_a_log_that_does_not_reach_back_leaves_what_sm2_knew(tmp_path: Path) -> None:
    collection = collection_of(tmp_path)
    card, log = next(
        (card, log)
        for card in collection.cards
        if card.type == memories.REVIEW and (log := [r for r in collection.reviews if r.card_id == card.id])
    )
    memory = memories.memory_of(
        replace(card, data={}), [replace(review, type=1) for review in log], collection, memories.Replays()
    )
    assert (memory.stability, memory.difficulty) == from_sm2(memory.ease, max(memory.interval, 1))
