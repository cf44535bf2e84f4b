"""Decks go to the real Anki and come from it, with everything that is known of their cards."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from chassis.study_day import StudyDay

from .desk import Desk, Json, Student
from .hostile import hostile
from .real_anki import FIELDS, Anki, anki

PICTURE = b"\x89PNG\r\n\x1a\n-a-picture"


async def look(ada: Student, name: str, content: bytes) -> Json:
    answer = await ada.http.post("/decks/import", files={"file": (name, content)})
    assert answer.status_code == 201, answer.text
    begun: Json = answer.json()
    return begun


async def bring_in(desk: Desk, ada: Student, name: str, content: bytes, **body: Any) -> Json:
    """Upload and import a file."""
    begun = await look(ada, name, content)
    await ada.post(f"/decks/imports/{begun['id']}/run", **body)
    assert await desk.work.once()
    done = await ada.get(f"/decks/imports/{begun['id']}")
    assert done["status"] == "done", done
    return done


async def export(ada: Student, name: str, **params: Any) -> bytes:
    decks = {deck["name"]: deck["id"] for deck in (await ada.get("/decks"))["items"]}
    answer = await ada.http.get(f"/decks/{decks[name]}/export", params=params)
    assert answer.status_code == 200, answer.text
    return answer.content


def biology(real: Anki) -> None:
    """New, learning, known, forgotten and suspended cards of all kinds, and a picture."""
    real.collection.media.write_data("my cell.png", PICTURE)
    real.add("Basic", "Biology::Cells", 'What is this? <img src="my cell.png">', "A cell", tags="exam::final plants")
    real.add("Basic", "Biology::Cells", "Q2", "A2 with \\(x^2\\)")
    real.add("Basic (and reversed card)", "Biology", "casa", "house")
    real.add("Cloze", "Biology", "{{c1::ATP}} comes from {{c2::mitochondria::where?}}", "Really")
    real.answer("Biology", "easy", "good", "again", "easy", "hard")
    last = real.collection.find_cards('"Q2"')[0]
    real.collection.sched.suspend_cards([last])


@pytest.mark.parametrize("legacy", [True, False], ids=["anki21", "anki21b"])
@pytest.mark.parametrize("fsrs", [False, True], ids=["sm2", "fsrs"])
async def test_what_anki_exports_comes_back_to_anki_the_same(
    desk: Desk, tmp_path: Path, legacy: bool, fsrs: bool
) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    with anki(tmp_path / "one", fsrs=fsrs) as real:
        biology(real)
        package = real.export(tmp_path / "theirs.apkg", "Biology", legacy=legacy)
        cards, reviews = real.cards(), real.reviews()

    done = await bring_in(desk, ada, "Biology.apkg", package)
    assert (done["preview"]["notes"], done["preview"]["cards"], done["preview"]["reviews"]) == (4, 6, len(reviews))
    (tmp_path / "ours.apkg").write_bytes(await export(ada, "Biology"))

    with anki(tmp_path / "two", fsrs=fsrs) as other:
        other.bring_in(tmp_path / "ours.apkg")
        assert [shape(row, fsrs=fsrs) for row in other.cards()] == [shape(row, fsrs=fsrs) for row in cards]
        assert other.reviews() == reviews
        assert (Path(other.collection.media.dir()) / "my cell.png").read_bytes() == PICTURE


def shape(row: dict[str, Any], *, fsrs: bool = False) -> dict[str, Any]:
    """What must be equal. The place among new cards is Anki's own; FSRS's memory is there where Anki reckoned with it."""
    kept = {name: row[name] for name in ("guid", "flds", "deck", *FIELDS)} | {"tags": sorted(row["tags"].split())}
    if row["type"] == 0:
        kept.pop("due")
    if fsrs and row["type"]:
        stability, difficulty = row["memory"]
        kept["memory"] = (round(stability, 3), round(difficulty, 2))
    return kept


async def test_our_own_cards_open_in_anki_with_their_schedule(desk: Desk, tmp_path: Path) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    deck = await ada.post("/decks", name="History")
    known = await ada.writes("When did the war end?", "1945", deck_id=deck["id"], tags=["exam"])
    known = await ada.reviews(known, "easy", duration_ms=4000)
    await ada.writes("A new one", "x", deck_id=deck["id"])
    await ada.post("/flashcards", kind="cloze", question="{{c1::a}} {{c2::b}}", deck_id=deck["id"])
    (tmp_path / "ours.apkg").write_bytes(await export(ada, "History"))

    with anki(tmp_path / "anki", fsrs=True) as real:
        real.bring_in(tmp_path / "ours.apkg")
        rows = {row["flds"]: row for row in real.cards()}
        card = rows["When did the war end?\x1f1945"]
        assert (card["type"], card["ivl"], card["reps"], card["deck"]) == (2, known["interval"], 1, "History")
        today = real.collection.sched.today
        assert card["due"] - today == known["interval"]
        assert card["memory"] == (round(known["stability"], 4), round(known["difficulty"], 3))
        ((at, ease, interval, *_, duration, kind),) = real.reviews()
        assert (ease, interval, duration, kind) == (4, known["interval"], 4000, 0)
        assert abs(at / 1000 - desk.now.timestamp()) < 1
        assert real.collection.fix_integrity()[1], "Anki's own check finds nothing to mend"


async def test_what_comes_from_anki_is_html_and_a_deck_of_ours_stays_markdown(desk: Desk, tmp_path: Path) -> None:
    desk.now = datetime.now(UTC)
    ada, bob = desk.student(), desk.student()
    with anki(tmp_path / "one") as real:
        real.add("Basic", "D", "5*3*2", "__init__<br>&lt;x&gt;")
        await bring_in(desk, ada, "1.apkg", real.export(tmp_path / "1.apkg", "D", legacy=False))
    deck = (await ada.get("/flashcards"))["items"][0]["deck_id"]
    await ada.writes("5 **times**", "a_b", deck_id=deck)
    (tmp_path / "ours.apkg").write_bytes(await export(ada, "D"))
    with anki(tmp_path / "two") as real:
        real.bring_in(tmp_path / "ours.apkg")
        again = real.export(tmp_path / "2.apkg", "D", legacy=False)
    await bring_in(desk, bob, "2.apkg", again)
    for student in (ada, bob):
        cards = {card["question"]: card["id"] for card in (await student.get("/flashcards"))["items"]}
        theirs, ours = [await student.get(f"/flashcards/{cards[name]}") for name in ("5*3*2", "5 **times**")]
        assert (theirs["markup"], theirs["front_html"]) == ("html", "5*3*2")
        assert theirs["back_html"] == "__init__<br>&lt;x&gt;"
        assert (ours["markup"], ours["front_html"]) == ("markdown", "<p>5 <strong>times</strong></p>\n")


async def test_importing_again_updates_texts_and_keeps_what_is_known(desk: Desk, tmp_path: Path) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    with anki(tmp_path / "one") as real:
        real.add("Basic", "D", "Q", "A")
        first = real.export(tmp_path / "1.apkg", "D", legacy=False)
        note = real.collection.get_note(real.collection.find_notes("Q")[0])
        note["Back"] = "Another answer"
        real.collection.update_note(note)
        second = real.export(tmp_path / "2.apkg", "D", legacy=False)
    await bring_in(desk, ada, "1.apkg", first)
    (card,) = (await ada.get("/flashcards"))["items"]
    await ada.reviews(card, "easy")
    done = await bring_in(desk, ada, "2.apkg", second)
    assert (done["preview"]["new"], done["preview"]["updated"], done["preview"]["unchanged"]) == (0, 1, 0)
    (after,) = (await ada.get("/flashcards"))["items"]
    assert (after["id"], after["answer"], after["reviews"]) == (card["id"], "Another answer", 1)
    third = await look(ada, "2.apkg", second)
    assert (third["preview"]["updated"], third["preview"]["unchanged"]) == (0, 1)


@pytest.mark.parametrize("legacy", [True, False], ids=["anki21", "anki21b"])
async def test_cards_in_a_filtered_deck_come_home(desk: Desk, tmp_path: Path, legacy: bool) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    with anki(tmp_path / "one", fsrs=True) as real:
        biology(real)
        home = {(row["guid"], row["ord"]): shape(row, fsrs=True) for row in real.cards()}
        real.gather("Cram", "deck:Biology (is:review or is:learn) -is:suspended")
        away = [row for row in real.cards() if row["deck"] == "Cram"]
        assert {row["type"] for row in away} >= {1, 2}, "known cards and cards in learning are away"
        package = real.export(tmp_path / "theirs.apkg", None, legacy=legacy)
    await bring_in(desk, ada, "Biology.apkg", package)
    (tmp_path / "ours.apkg").write_bytes(await export(ada, "Biology"))
    with anki(tmp_path / "two", fsrs=True) as other:
        other.bring_in(tmp_path / "ours.apkg")
        assert {(row["guid"], row["ord"]): shape(row, fsrs=True) for row in other.cards()} == home


async def test_what_was_changed_here_since_is_not_undone_by_importing_again(desk: Desk, tmp_path: Path) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    with anki(tmp_path / "one") as real:
        for number in range(3):
            real.add("Basic", "D", f"Q{number}", "A", tags="old")
        first = real.export(tmp_path / "1.apkg", "D", legacy=False)
        await bring_in(desk, ada, "1.apkg", first)
        cards = {card["question"]: card["id"] for card in (await ada.get("/flashcards"))["items"]}
        desk.later(minutes=1)
        await ada.http.patch(f"/flashcards/{cards['Q0']}", json={"answer": "Mine"})
        await ada.post("/flashcards/bulk", card_ids=[cards["Q1"]], action="tag", tags=["mine"])
        seen = await look(ada, "1.apkg", first)
        assert (seen["preview"]["updated"], seen["preview"]["unchanged"]) == (0, 3)
        assert seen["preview"]["warnings"] == ["2 notes were changed here since, and stay as they are."]
        await bring_in(desk, ada, "1.apkg", first)
        for number in range(3):
            note = real.collection.get_note(real.collection.find_notes(f"Q{number}")[0])
            note["Back"] = "Theirs, later"
            real.collection.update_note(note)
            real.collection.db.execute("UPDATE notes SET mod = mod + 3600 WHERE id = ?", note.id)  # type: ignore[union-attr]  # it is open
        second = real.export(tmp_path / "2.apkg", "D", legacy=False)
    after = {card["question"]: card for card in (await ada.get("/flashcards"))["items"]}
    assert (after["Q0"]["answer"], after["Q1"]["tags"]) == ("Mine", ["old", "mine"])
    done = await bring_in(desk, ada, "2.apkg", second)
    assert (done["preview"]["updated"], done["preview"]["warnings"]) == (3, [])


async def test_siblings_that_lie_in_several_decks_are_told(desk: Desk, tmp_path: Path) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    with anki(tmp_path / "one") as real:
        real.add("Basic (and reversed card)", "D", "casa", "house")
        back = real.collection.find_cards("card:2")
        real.collection.set_deck(back, real.collection.decks.id("D::Back"))  # type: ignore[arg-type]  # made where it is missing
        package = real.export(tmp_path / "1.apkg", "D", legacy=True)
    done = await bring_in(desk, ada, "1.apkg", package)
    assert "1 note has cards in several decks" in done["preview"]["warnings"][0]
    assert {deck["name"]: deck["id"] for deck in (await ada.get("/decks"))["items"]}.keys() == {"D"}


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 4), ("Asia/Kolkata", 4), ("America/Los_Angeles", 2)])
async def test_a_step_of_days_is_over_when_the_students_day_begins(
    desk: Desk, tmp_path: Path, zone: str, hour: int
) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    await desk.knows(ada, zone, hour)
    with anki(tmp_path / "one") as real:
        conf = real.collection.decks.config_dict_for_deck_id(real.collection.decks.id("D"))  # type: ignore[arg-type]  # made where it is missing
        conf["new"]["delays"] = [2880.0, 2880.0]
        real.collection.decks.update_config(conf)
        real.add("Basic", "D", "Q", "A")
        real.answer("D", "good")
        assert [row["queue"] for row in real.cards()] == [3]
        (row,) = real.cards()
        ahead = row["due"] - real.collection.sched.today
        package = real.export(tmp_path / "1.apkg", "D", legacy=False)
    await bring_in(desk, ada, "1.apkg", package)
    (card,) = (await ada.get("/flashcards"))["items"]
    due = datetime.fromisoformat(card["due_at"])
    counting = StudyDay(zone, hour)
    assert due == counting.start_of(counting.day_of(due)), "at a day's beginning"
    assert ahead - 1 <= (counting.day_of(due) - counting.day_of(desk.now)).days <= ahead + 1


@pytest.mark.parametrize("zone", ["Australia/Brisbane", "America/Los_Angeles", "UTC"])
async def test_an_old_collection_counts_from_where_its_student_is(desk: Desk, tmp_path: Path, zone: str) -> None:
    ada = desk.student()
    await desk.knows(ada, zone)
    began = int(StudyDay(zone).start_of(date(2026, 3, 1)).timestamp())
    await bring_in(
        desk, ada, "old.apkg", hostile(tmp_path, f"UPDATE col SET crt = {began}", "UPDATE cards SET due = 10")
    )
    (card,) = (await ada.get("/flashcards"))["items"]
    assert card["due_day"] == "2026-03-11"


async def test_without_scheduling_all_cards_are_new(desk: Desk, tmp_path: Path) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    with anki(tmp_path / "one") as real:
        biology(real)
        package = real.export(tmp_path / "theirs.apkg", "Biology", legacy=False)
    await bring_in(desk, ada, "Biology.apkg", package, scheduling=False)
    cards = (await ada.get("/flashcards"))["items"]
    assert {(card["phase"], card["reviews"], card["suspended"]) for card in cards} == {("new", 0, False)}


async def test_an_imported_card_goes_on_where_it_was(desk: Desk, tmp_path: Path) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    with anki(tmp_path / "one") as real:
        real.add("Basic", "D", "Q", "A")
        real.answer("D", "easy")
        package = real.export(tmp_path / "1.apkg", "D", legacy=True)
    await bring_in(desk, ada, "1.apkg", package)
    (card,) = (await ada.get("/flashcards"))["items"]
    assert (card["phase"], card["reviews"]) == ("review", 1)
    desk.later(days=card["interval"])
    after = await ada.reviews(card, "good")
    log = (await ada.get(f"/flashcards/{card['id']}/reviews"))["items"]
    assert {each["imported"]: each["before"] is None for each in log} == {False: False, True: True}
    assert after["interval"] > card["interval"]
    assert (await ada.post("/reviews/undo"))["card"]["interval"] == card["interval"]
    assert (await ada.http.post("/reviews/undo")).status_code == 409, "what was imported is not undone"


async def test_types_with_more_than_two_sides_become_notes_of_their_own(desk: Desk, tmp_path: Path) -> None:
    desk.now = datetime.now(UTC)
    ada = desk.student()
    with anki(tmp_path / "one") as real:
        models = real.collection.models
        model = models.new("Word")
        for name in ("Word", "Meaning", "Sound"):
            models.add_field(model, models.new_field(name))
        for name, front, back in (
            ("Meaning", "{{Word}}", "{{FrontSide}}<hr id=answer>{{Meaning}}"),
            ("Sound", "{{#Sound}}How does {{Word}} sound?{{/Sound}}", "{{Sound}}"),
        ):
            template = models.new_template(name)
            template["qfmt"], template["afmt"] = front, back
            models.add_template(model, template)
        models.add(model)
        real.add("Word", "D", "casa", "house", "KAH-sah")
        real.add("Word", "D", "perro", "dog", "")
        package = real.export(tmp_path / "1.apkg", "D", legacy=False)
    done = await bring_in(desk, ada, "1.apkg", package)
    assert "more than two sides" in done["preview"]["warnings"][0]
    cards = {(card["front"], card["back"]) for card in (await ada.get("/flashcards"))["items"]}
    assert cards == {("casa", "house"), ("How does casa sound?", "KAH-sah"), ("perro", "dog")}


# Days after the beginning, and qualities. The last of them is in its drill when the deck is exported.
SM2_REVIEWS = {
    "learnt": [(0, 4)],
    "known": [(0, 5), (1, 4), (7, 4)],
    "overdue": [(0, 4), (1, 4)],
    "late": [(0, 4), (1, 5), (19, 5)],
    "forgotten": [(0, 4), (1, 4), (7, 1), (7, 4)],
    "drilled": [(20, 3)],
}
BUTTONS = {1: 1, 3: 2, 4: 3, 5: 4}


async def test_our_own_sm2_deck_opens_in_anki_with_due_days_ease_intervals_and_log(desk: Desk, tmp_path: Path) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20, minutes=1)
    desk.now = start
    ada = desk.student()
    deck = await ada.post("/decks", name="History", options={"algorithm": "sm2", "fuzz": False})
    cards = {name: await ada.writes(name, "x", deck_id=deck["id"]) for name in SM2_REVIEWS}
    log: list[list[int]] = []
    given = sorted((day, name, quality) for name, reviews in SM2_REVIEWS.items() for day, quality in reviews)
    for second, (day, name, quality) in enumerate(given):
        desk.now = start + timedelta(days=day, seconds=second)
        before, said = cards[name], {"quality": quality, "duration_ms": 1000 + second}
        after = cards[name] = (await ada.post(f"/flashcards/{before['id']}/review", **said))["card"]
        kind = {"new": 0, "learning": 0, "review": 1, "relearning": 2}[before["phase"]]
        waits = [-600 if card["due_at"] else card["interval"] for card in (after, before)]
        at, ease = int(desk.now.timestamp() * 1000), round(after["ease"] * 1000)
        log.append([at, BUTTONS[quality], *waits, ease, 1000 + second, kind])
    desk.now = datetime.now(UTC)
    our_today = date.fromisoformat((await ada.queue())["day"])
    (tmp_path / "ours.apkg").write_bytes(await export(ada, "History"))

    with anki(tmp_path / "anki") as real:
        real.bring_in(tmp_path / "ours.apkg")
        rows = {row["flds"].partition("\x1f")[0]: row for row in real.cards()}
        assert rows.keys() == cards.keys()
        for name, card in cards.items():
            told = [rows[name][column] for column in ("ivl", "factor", "reps", "lapses")]
            assert told == [card["interval"], round(card["ease"] * 1000), card["reviews"], card["lapses"]], name
            if card["phase"] == "review":
                in_days = (date.fromisoformat(card["due_day"]) - our_today).days
                assert rows[name]["due"] - real.collection.sched.today == in_days, name
        assert rows["drilled"]["due"] == int(datetime.fromisoformat(cards["drilled"]["due_at"]).timestamp())
        assert real.reviews() == log
        assert real.collection.fix_integrity()[1], "Anki's own check finds nothing to mend"
        # Anki ends the drill as SM-2 does: the card is back tomorrow, with the factor that it has.
        real.answer("History", *["good"] * 4)
        drilled = {row["flds"].partition("\x1f")[0]: row for row in real.cards()}["drilled"]
        assert (drilled["type"], drilled["ivl"], drilled["factor"]) == (2, 1, 2360)
