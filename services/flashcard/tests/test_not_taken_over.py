"""What an import does not take over of a package, and that the student is told."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .desk import Desk
from .hostile import hostile
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
async def test_a_deck_that_only_holds_decks_has_its_options_too(desk: Desk, tmp_path: Path, legacy: bool) -> None:
    ada = desk.student()
    with anki(tmp_path / "one", fsrs=True) as real:
        with_options(real, "D")
        real.add("Basic", "D::E::F", "Q", "A")
        package = real.export(tmp_path / "1.apkg", None, legacy=legacy)
    done = await bring_in(desk, ada, "1.apkg", package)
    assert "learning steps of 2.5, 15 minutes in D." in done["preview"]["warnings"][0]
    options = {deck["name"]: deck["options"] for deck in (await ada.get("/decks"))["items"]}
    assert set(options) == {"D", "D::E", "D::E::F"}
    assert [options[name]["reviews_per_day"] for name in ("D", "D::E", "D::E::F")] == [70, 200, 200]


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
        "Anki studied {} by its SM-2. Here they go on by FSRS, from the same days and intervals; SM-2 here is SuperMemo's, and would"
        " count their log anew."
    )
    assert (await look(ada, "1.apkg", package))["preview"]["warnings"] == [told.format("A, B, C and 1 more")]
    for deck in ("A", "C", "D"):
        await bob.post("/decks", name=deck, options={"algorithm": "sm2"})
    assert (await bring_in(desk, bob, "1.apkg", package))["preview"]["warnings"] == [told.format("B")]


def decks(*names: str) -> str:
    """What makes these the decks of a package made by hand, from number 2 on; its card lies in the deck with number 1."""
    named = {number: {"name": name} for number, name in enumerate(names, 2)} | {1: {"name": "D"}}
    return f"UPDATE col SET decks = '{json.dumps(named)}'"


async def test_decks_whose_names_cannot_be_are_told(desk: Desk, tmp_path: Path) -> None:
    deep = "::".join("abcdefghijk")
    package = hostile(
        tmp_path,
        decks(deep, "x" * 301, "A::", "Fine", "Empty::"),
        *(f"INSERT INTO notes VALUES ({n}, 'g{n}', 1, 0, 0, '', 'Q{n}' || char(31) || 'A', 'Q', 0, 0, '')" for n in range(2, 7)),
        *(f"INSERT INTO cards VALUES ({n}, {n}, {min(n, 5)}, 0, 0, 0, 0, 0, {n}, 0, 0, 0, 0, 0, 0, 0, 0, '')" for n in range(2, 7)),
    )  # fmt: skip
    seen = await look(desk.student(), "deck.apkg", package)
    told = (
        f"3 decks go into “Default”: a name has at most 300 characters in at most 10 parts, none of them empty: {deep}, {'x' * 40}…, A::."
        " Give them other names where they come from, and export them again."
    )
    assert (seen["preview"]["decks"], seen["preview"]["warnings"][0]) == (["D", "Default", "Fine"], told)


async def test_decks_of_a_table_whose_names_cannot_be_are_told_too(desk: Desk) -> None:
    table = b"#separator:comma\n#deck column:3\nQ,A,B::\nR,A,B::\nS,A,\n"
    seen = await look(desk.student(), "deck.csv", table)
    assert seen["preview"]["decks"] == ["Default"]
    assert seen["preview"]["warnings"][0].startswith("1 deck goes into “Default”: a name has at most")


async def test_guids_that_are_cut_are_told(desk: Desk, tmp_path: Path) -> None:
    ada = desk.student()
    told = "1 note has a guid of more than 200 characters, which is cut: another one that begins like it would be taken for the same."
    package = hostile(tmp_path, f"UPDATE notes SET guid = '{'g' * 201}'")
    assert (await look(ada, "deck.apkg", package))["preview"]["warnings"][0] == told
    table = f"#separator:comma\n#guid column:1\n{'g' * 201},Q,A\n{'h' * 200},R,A\n"
    assert (await look(ada, "deck.csv", table.encode()))["preview"]["warnings"] == [told]
    assert (await bring_in(desk, ada, "deck.apkg", package))["preview"]["new"] == 1


async def test_a_guid_that_cannot_be_stored_breaks_no_import(desk: Desk, tmp_path: Path) -> None:
    package = hostile(tmp_path, "UPDATE notes SET guid = 'a' || char(0) || 'b'")
    assert (await bring_in(desk, desk.student(), "deck.apkg", package))["status"] == "done"


async def test_reviews_whose_time_cannot_be_are_told(desk: Desk, tmp_path: Path) -> None:
    row = "INSERT INTO revlog VALUES ({id}, {card}, 0, {ease}, 5, 1, 2500, 1000, 1)"
    package = hostile(
        tmp_path,
        row.format(id=2**62, card=1, ease=3),
        row.format(id=-5, card=1, ease=3),
        row.format(id=-6, card=1, ease=0),  # a change by hand is no review
        row.format(id=-7, card=99, ease=3),  # nor one of this file's, whose card is gone
    )
    seen = await look(desk.student(), "deck.apkg", package)
    assert seen["preview"]["reviews"] == 1
    assert seen["preview"]["warnings"][0] == "2 reviews are left out: when they happened cannot be."
