"""What an import does not take over of a package, and that the student is told."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from .desk import Desk
from .real_anki import Anki, anki
from .test_anki_packages import bring_in, look


async def test_cards_that_are_there_keep_their_schedule_and_the_result_says_so(desk: Desk, tmp_path: Path) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    with anki(tmp_path / "one") as real:
        real.add("Basic (and reversed card)", "D", "casa", "house")
        real.add("Basic", "D", "Q", "A")
        real.answer("D", "easy", "easy")
        first = real.export(tmp_path / "1.apkg", "D", legacy=False)
        real.add("Basic", "D", "Later", "A")
        real.answer("D", "easy")
        second = real.export(tmp_path / "2.apkg", "D", legacy=False)
        assert len(real.reviews()) == 3
    done = await bring_in(desk, ada, "1.apkg", first, scheduling=False)
    assert done["preview"]["reviews"] == 0
    begun = await look(ada, "2.apkg", second)
    kept = "2 cards are here already and keep their schedule and reviews: to have those of the file, delete the cards first."
    done = await bring_in(desk, ada, "2.apkg", second)
    for preview in (begun["preview"], done["preview"]):
        assert (preview["new"], preview["cards"], preview["reviews"]) == (1, 4, 1)
        assert kept in preview["warnings"]
    reviewed = [card["reviews"] for card in (await ada.get("/flashcards"))["items"]]
    assert sorted(reviewed) == [0, 0, 0, done["preview"]["reviews"]]
    again = await bring_in(desk, ada, "2.apkg", second, scheduling=False)
    assert kept not in again["preview"]["warnings"], "nothing was to be taken over"


async def test_who_deletes_the_cards_first_has_the_schedule_of_the_file(desk: Desk, tmp_path: Path) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    with anki(tmp_path / "one") as real:
        real.add("Basic", "D", "Q", "A")
        real.answer("D", "easy")
        package = real.export(tmp_path / "1.apkg", "D", legacy=False)
    await bring_in(desk, ada, "1.apkg", package, scheduling=False)
    seen = await look(ada, "1.apkg", package)
    assert seen["preview"]["warnings"][0].startswith("1 card is here already and keeps its schedule and reviews:")
    (card,) = (await ada.get("/flashcards"))["items"]
    await ada.post("/flashcards/bulk", card_ids=[card["id"]], action="delete")
    done = await bring_in(desk, ada, "1.apkg", package)
    (card,) = (await ada.get("/flashcards"))["items"]
    assert (card["phase"], card["reviews"], done["preview"]["reviews"]) == ("review", 1, 1)


def with_options(real: Anki, deck: str) -> None:
    """A preset of its own for a deck, and what the deck says otherwise itself."""
    decks = real.collection.decks
    preset = decks.add_config("Mine")
    preset["new"] |= {"perDay": 0, "delays": [2.5, 15.0]}
    preset["rev"] |= {"perDay": 100, "maxIvl": 365}
    preset["lapse"] |= {"leechFails": 4, "delays": []}
    preset["desiredRetention"] = 0.85
    decks.update_config(preset)
    made = decks.get(decks.id(deck))  # type: ignore[arg-type]  # made where it is missing
    assert made is not None
    decks.save(made | {"conf": preset["id"], "reviewLimit": 70, "desiredRetention": 91})


@pytest.mark.parametrize("legacy", [True, False], ids=["anki21", "anki21b"])
async def test_new_decks_have_ankis_options_and_what_they_cannot_have_is_told(
    desk: Desk, tmp_path: Path, legacy: bool
) -> None:
    desk.now = datetime.now(UTC)
    ada, bob = desk.student(), desk.student()
    with anki(tmp_path / "one", fsrs=True) as real:
        with_options(real, "D::E")
        for deck in ("D::E", "F"):
            real.add("Basic", deck, f"Q of {deck}", "A")
        real.answer("F", "easy")
        package = real.export(tmp_path / "1.apkg", None, legacy=legacy)
    begun = await look(ada, "1.apkg", package)
    done = await bring_in(desk, ada, "1.apkg", package)
    assert begun["preview"]["warnings"] == [
        "Deck options of Anki are not taken over: learning steps of 2.5, 15 minutes in D::E."
        " Once the decks are here, set what you want to keep (PATCH /decks/{id})."
    ]
    assert done["preview"]["warnings"] == begun["preview"]["warnings"]
    options = {deck["name"]: deck["options"] for deck in (await ada.get("/decks"))["items"]}
    taken = {"new_per_day": 0, "reviews_per_day": 70, "relearning_steps": [], "retention": 0.91, "longest_interval": 365, "leech_lapses": 4}  # fmt: skip
    assert options["D::E"] == options["F"] | taken
    assert options["D"] == options["F"]
    await bob.post("/decks", name="D::E")
    assert (await bring_in(desk, bob, "1.apkg", package))["preview"]["warnings"] == [
        "Deck options of Anki are not taken over: 0 new cards a day, 70 reviews a day, learning steps of 2.5, 15 minutes,"
        " no relearning steps, retention 0.91, intervals of 365 days at most, leeches after 4 lapses in D::E."
        " Once the decks are here, set what you want to keep (PATCH /decks/{id})."
    ]


@pytest.mark.parametrize("legacy", [True, False], ids=["anki21", "anki21b"])
async def test_a_deck_that_was_kept_by_sm2_and_goes_on_by_fsrs_is_told(
    desk: Desk, tmp_path: Path, legacy: bool
) -> None:
    desk.now = datetime.now(UTC)
    ada, bob = desk.student(), desk.student()
    with anki(tmp_path / "one") as real:
        for deck in ("A", "B", "C", "D", "Unseen"):
            real.add("Basic", deck, f"Q of {deck}", "A")
            if deck != "Unseen":
                real.answer(deck, "easy")
        package = real.export(tmp_path / "1.apkg", None, legacy=legacy)
    told = (
        "Deck options of Anki are not taken over: the algorithm SM-2 in {}."
        " Once the decks are here, set what you want to keep (PATCH /decks/{{id}})."
    )
    assert (await look(ada, "1.apkg", package))["preview"]["warnings"] == [told.format("A, B, C and 1 more")]
    for deck in ("A", "C", "D"):
        await bob.post("/decks", name=deck, options={"algorithm": "sm2"})
    assert (await bring_in(desk, bob, "1.apkg", package))["preview"]["warnings"] == [told.format("B")]
