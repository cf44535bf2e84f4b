"""A large Anki package, imported by us and by Anki."""

import asyncio
import random
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest
from chassis.study_day import StudyDay
from flashcard.anki.writing import OutgoingCard, OutgoingNote, OutgoingReview, PackageWriter, pack
from flashcard.memory import Memory, Phase
from flashcard.models import Markup, NoteKind
from flashcard.ratings import Rating

from cards.reviewing import Reviewer

CARDS, REVIEWS_EACH = 20_000, 5
PATIENCE_SECONDS = 300.0


async def write_package(folder: Path) -> Path:
    """20,000 cards with 100,000 reviews."""
    now, dice, words = (
        datetime.now(UTC),
        random.Random(1),
        ["cell", "market", "price", "supply", "energy", "light", "wave", "river"],
    )
    with PackageWriter(folder / "collection.anki2", ["Large"], StudyDay(), now, 2) as writer:
        for number in range(CARDS):
            first = int((now - timedelta(days=200)).timestamp() * 1000) + number * 1000
            reviews = [_review(now, number, place) for place in range(REVIEWS_EACH)]
            text = " ".join(dice.choices(words, k=12))
            card = OutgoingCard(first, 0, "Large", number, _known(now, number), False, False, reviews)
            await writer.add(
                OutgoingNote(
                    first,
                    f"g{number}",
                    NoteKind.BASIC,
                    Markup.MARKDOWN,
                    f"{number} {text}?",
                    text,
                    ["bench"],
                    first // 1000,
                    [card],
                )
            )
    pack(folder / "large.apkg", folder / "collection.anki2", [])
    return folder / "large.apkg"


async def compare(gateway: str, reviewer: Reviewer, folder: Path) -> None:
    """From the upload to done, and Anki's own importer beside it."""
    package = await write_package(folder)
    theirs = await asyncio.to_thread(_by_anki, package, folder)
    ours = await _by_us(gateway, reviewer, package)
    print(
        f"{f'.apkg of {CARDS:,} cards and {CARDS * REVIEWS_EACH:,} reviews, upload to done':<58} {ours:6.1f} s   bound 60 s"
    )
    print(f"{'the same by Anki itself':<58} {theirs:6.1f} s   baseline", flush=True)


async def _by_us(gateway: str, reviewer: Reviewer, package: Path) -> float:
    headers = {"Authorization": f"Bearer {reviewer.token}"}
    async with httpx.AsyncClient(base_url=gateway, timeout=PATIENCE_SECONDS, headers=headers) as client:
        began = time.perf_counter()
        answer = await client.post("/decks/import", files={"file": ("large.apkg", package.read_bytes())})
        assert answer.status_code == 201, answer.text
        path = f"/decks/imports/{answer.json()['id']}"
        await client.post(f"{path}/run", json={})
        while (found := (await client.get(path)).json())["status"] == "queued":
            assert time.perf_counter() - began < PATIENCE_SECONDS, found
            await asyncio.sleep(0.2)
        assert found["status"] == "done", found
        assert (found["preview"]["cards"], found["preview"]["reviews"]) == (CARDS, CARDS * REVIEWS_EACH)
        return time.perf_counter() - began


def _by_anki(package: Path, folder: Path) -> float:
    collection = Collection(str(folder / "theirs.anki2"))
    began = time.perf_counter()
    options = ImportAnkiPackageOptions(with_scheduling=True, with_deck_configs=True)
    collection.import_anki_package(ImportAnkiPackageRequest(package_path=str(package), options=options))
    took = time.perf_counter() - began
    assert collection.card_count() == CARDS
    collection.close()
    return took


def _known(now: datetime, number: int) -> Memory:
    return Memory(
        phase=Phase.REVIEW,
        due_day=date.fromordinal(now.date().toordinal() + number % 60),
        interval=30,
        stability=30.0,
        difficulty=5.0,
        repetitions=4,
        reviews=REVIEWS_EACH,
        last_day=now.date() - timedelta(days=10),
        last_reviewed_at=now - timedelta(days=10),
    )


def _review(now: datetime, number: int, place: int) -> OutgoingReview:
    at = now - timedelta(days=150 - 25 * place, milliseconds=number * 50)
    before, after = (Memory(phase=Phase.REVIEW, interval=days, stability=9.0, difficulty=5.0) for days in (10, 25))
    return OutgoingReview(Rating.GOOD, at, 4000, before, after)
