"""Packages that are made to hurt: numbers beyond reason, texts that take for ever, tables without end."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import process_time
from uuid import UUID

import pytest
from chassis.clock import Clock
from chassis.database import Database
from chassis.study_day import StudyDay
from flashcard.anki import memories
from flashcard.anki.collection import AnkiCard, AnkiReview, Collection
from flashcard.anki.templates import NoteType, Template, faces_of
from flashcard.anki.writing import OutgoingCard, OutgoingNote, OutgoingReview, PackageWriter
from flashcard.fsrs_scheduling import from_sm2
from flashcard.import_work import look as read
from flashcard.import_work import read_file
from flashcard.importing import Preview
from flashcard.media import names_missing, names_used
from flashcard.memory import Memory
from flashcard.models import Markup, NoteKind
from flashcard.ratings import Rating
from flashcard.scheduling import DeckOptions
from httpx import Response
from sqlalchemy.pool import QueuePool

from .desk import Desk
from .hostile import hostile
from .real_anki import anki
from .test_anki_packages import bring_in, export, look
from .test_replays import SM2, change

HUGE, TABLE = 2**62, b"question,answer\nQ,A\n"


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE cards SET due = {HUGE}",
        f"UPDATE cards SET due = -{HUGE}",
        f"UPDATE cards SET due = {HUGE}, type = 1, queue = 1",
        f"UPDATE cards SET due = 10000000, type = 3, queue = 3, ivl = {HUGE}",
        f"UPDATE cards SET ivl = {HUGE}, reps = {HUGE}, lapses = {HUGE}, factor = {HUGE}",
        f"UPDATE cards SET ivl = -{HUGE}, reps = -1, lapses = -1, factor = -{HUGE}",
        f"UPDATE revlog SET id = {HUGE}",
        f"UPDATE revlog SET ivl = {HUGE}, lastIvl = {HUGE}, factor = {HUGE}, time = {HUGE}, ease = {HUGE}, type = 9",
        "UPDATE revlog SET ivl = 1e30, lastIvl = -1e30, factor = -1e30, time = -1e30, ease = 1e30, type = -1e30",
        """UPDATE cards SET data = '{"pos": "x", "lrt": 1e300, "s": 1e308, "d": 1e308}'""",
        """UPDATE cards SET data = '{"pos": NaN, "lrt": NaN, "s": Infinity, "d": NaN}'""",
        """UPDATE cards SET data = '{"pos": [], "lrt": -1, "s": true, "d": {}}'""",
        "UPDATE cards SET data = '[1]'",
        f"UPDATE col SET crt = {HUGE}",
        f"""UPDATE col SET conf = '{{"creationOffset": {HUGE}}}'""",
    ],
)
async def test_numbers_beyond_reason_are_taken_as_the_nearest_that_may_be(
    desk: Desk, tmp_path: Path, statement: str
) -> None:
    ada = desk.student()
    done = await bring_in(desk, ada, "deck.apkg", hostile(tmp_path, statement))
    assert done["preview"]["cards"] == 1
    (card,) = (await ada.get("/flashcards"))["items"]
    await ada.queue()
    await ada.get("/flashcards/statistics")
    assert (await ada.reviews(card, "good"))["reviews"] >= 1
    (tmp_path / "ours.apkg").write_bytes(await export(ada, "Default"))
    with anki(tmp_path / "real") as real:
        real.bring_in(tmp_path / "ours.apkg")
        assert len(real.cards()) == 1


async def test_a_log_of_which_another_card_has_the_rows_leaves_the_schedule_that_came(
    desk: Desk, tmp_path: Path
) -> None:
    ada = desk.student()
    log = "DROP TABLE revlog", "CREATE TABLE revlog (id, cid, usn, ease, ivl, lastIvl, factor, time, type)"
    learnt = [f"INSERT INTO revlog VALUES (1700000000000, {card}, 0, 3, 5, 1, 2500, 1000, 0)" for card in (1, 2)]
    twin = "INSERT INTO cards SELECT 2, nid, did, ord, mod, usn, type, queue, due, ivl, factor, reps, lapses, 0, 0, 0, 0, data FROM cards"
    await bring_in(desk, ada, "deck.apkg", hostile(tmp_path, *log, twin, *learnt))
    (deck,) = (await ada.get("/decks"))["items"]
    await change(ada, UUID(deck["id"]), **SM2)
    assert {card["interval"] for card in (await ada.get("/flashcards"))["items"]} == {5, 1}


async def test_others_have_their_turn_while_a_long_log_is_written(tmp_path: Path) -> None:
    now, turns = datetime.now(UTC), 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    review = OutgoingReview(Rating.GOOD, now, None, Memory(), Memory())
    moments = [now - timedelta(minutes=minutes) for minutes in range(5000)]
    card = OutgoingCard(1, 0, "D", 0, Memory(), False, False, [replace(review, at=at) for at in moments])
    others = asyncio.create_task(take_turns())
    with PackageWriter(tmp_path / "written", ["D"], StudyDay(), now, 2) as writer:
        await writer.add(OutgoingNote(1, "g", NoteKind.BASIC, Markup.HTML, "Q", "A", [], 0, [card]))
    others.cancel()
    assert turns == 5


PRESET = f'{{"1": {{"new": {{"perDay": {10**400}, "delays": [NaN, "x"]}}, "rev": {{"maxIvl": -1, "perDay": 7}}}}}}'
SWAPPED = (
    '{"1": {"new": {"perDay": [], "delays": 5}, "rev": {"maxIvl": [9]}, "lapse": {"delays": 0, "leechFails": []}}}'
)
DECK = '{"1": {"name": "Default", "conf": 1}}'


@pytest.mark.parametrize(
    ("presets", "decks", "taken"),
    [("{", DECK, False), ("[1]", DECK, False), ('{"1": 5}', DECK, False), (PRESET, DECK, True), (SWAPPED, DECK, False), ("[" * 100_000, DECK, False)],
)  # fmt: skip
async def test_options_that_cannot_be_read_keep_no_cards_away(
    desk: Desk, tmp_path: Path, presets: str, decks: str, taken: bool
) -> None:
    content = hostile(tmp_path, f"UPDATE col SET dconf = '{presets}', decks = '{decks}'")
    ada = desk.student()
    done = await bring_in(desk, ada, "deck.apkg", content)
    assert done["preview"]["cards"] == 1
    (warning,) = done["preview"]["warnings"]
    assert len(warning) < 300
    (deck,) = (await ada.get("/decks"))["items"]
    assert deck["options"] == DeckOptions(reviews_per_day=7 if taken else 200).model_dump(mode="json")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cards SET data = '{'",
        "UPDATE cards SET type = 'x'",
        "UPDATE notes SET mid = 9e999",
        "UPDATE col SET crt = 'x'",
    ],
)
async def test_what_is_no_number_is_damage(desk: Desk, tmp_path: Path, statement: str) -> None:
    files = {"file": ("deck.apkg", hostile(tmp_path, statement))}
    answer = await desk.student().http.post("/decks/import", files=files)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:studyteddy:problem:not-an-anki-package")


@pytest.mark.parametrize(
    "view",
    [
        "cards AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 500000)"
        " SELECT x AS id, 1 AS nid, 1 AS did, 0 AS ord, 0 AS type, 0 AS queue, 0 AS due, 0 AS ivl, 0 AS factor,"
        " 0 AS reps, 0 AS lapses, 0 AS odue, 0 AS odid, '' AS data FROM n",
        "notes AS SELECT 1 AS id, 'g' AS guid, 1 AS mid, 0 AS mod, '' AS tags, hex(zeroblob(20000000)) AS flds",
        "notes AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100)"
        " SELECT x AS id, x AS guid, 1 AS mid, 0 AS mod, '' AS tags, hex(zeroblob(4000000)) AS flds FROM n",
    ],
    ids=["rows", "a value", "values"],
)
async def test_what_would_not_fit_into_memory_is_refused(desk: Desk, tmp_path: Path, view: str) -> None:
    table = view.partition(" ")[0]
    content = hostile(tmp_path, f"DROP TABLE {table}", f"CREATE VIEW {view}")
    answer = await desk.student().http.post("/decks/import", files={"file": ("deck.apkg", content)})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:studyteddy:problem:not-an-anki-package")


def test_no_more_reviews_are_replayed_than_a_budget_whatever_the_package_holds(tmp_path: Path) -> None:
    many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 500000) SELECT {} FROM n"
    log = many.format(
        "1700000000000 + x AS id, 1 AS cid, 0 AS usn, 3 AS ease, 1 AS ivl, 1 AS lastIvl, 2500 AS factor, 1 AS time, x > 1 AS type"
    )
    path = tmp_path / "deck.apkg"
    path.write_bytes(hostile(tmp_path, "UPDATE cards SET ivl = 7", "DROP TABLE revlog", f"CREATE VIEW revlog AS {log}"))
    (note,) = read_file(path, StudyDay()).notes
    (card,) = note.cards
    assert len(card.reviews) == 500_000
    assert (card.memory.stability, card.memory.difficulty) == from_sm2(2.5, 7)


def test_a_short_log_is_replayed_after_one_that_was_too_long() -> None:
    card = AnkiCard(1, 1, 1, 0, 2, 2, 10, 7, 2500, 5, 0, {})
    collection = Collection(date(2020, 1, 1), 0, StudyDay(), {}, {}, [], [], [])
    log = [AnkiReview(1_700_000_000_000 + n * 86_400_000, 1, 3, 1, 1, 2500, 1, int(n > 0)) for n in range(4)]
    replays = memories.Replays(left=3)
    known = [memories.memory_of(card, log[:length], collection, replays).stability for length in (4, 3, 3)]
    assert known[0] == known[2] == 7
    assert known[1] != 7
    assert replays.left == 0


def seconds(front: str, back: str, field: str) -> float:
    kind = NoteType("T", cloze=False, fields=["F"], templates=[Template(0, front, back)])
    start = process_time()
    for face in faces_of(kind, [field]):
        names_used(f"{face.question}\n{face.answer}")
        names_missing(f"{face.question}\n{face.answer}", Markup.MARKDOWN, ())
    names_used(field)
    names_missing(field, Markup.MARKDOWN, ())
    return process_time() - start


@pytest.mark.parametrize(
    "written",
    ["{{#a}}", "{{^a}}", "{{#a}}{{/b}}", " ", "x ", "<br>", "<hr ", "<hr id", "<hr id=answer>", "id = ", "{{F", "![", "[sound:",
     "src ", 'src="', "<img src=", "{{F}}"],
)  # fmt: skip
def test_no_text_takes_a_time_that_grows_faster_than_the_text(written: str) -> None:
    many = written * (200_000 // len(written))
    assert seconds(many, many, f"a{many[:60_000]}b") < 3


def test_a_template_that_repeats_a_field_a_hundred_thousand_times_is_cut() -> None:
    kind = NoteType("T", cloze=False, fields=["F"], templates=[Template(0, "{{F}}" * 100_000, "{{F}}")])
    (face,) = faces_of(kind, ["x" * 60_000])
    assert len(face.question) < 130_000


def test_sections_show_what_they_are_to_show() -> None:
    front = "{{#A}}a{{^B}}-{{#A}}{{A}}{{/A}}{{/B}}{{/A}}{{^A}}none{{/A}} {{hint:B}}<br> "
    back = "{{FrontSide}} <hr id='answer'>\n {{B}}<hr class=x>{{A}}"
    kind = NoteType("T", cloze=False, fields=["A", "B"], templates=[Template(0, front, back)])
    shown = [
        (face.question, face.answer) for values in (["1", ""], ["", "2"], ["1", "2"]) for face in faces_of(kind, values)
    ]
    assert shown == [("a-1", "<hr class=x>1"), ("none 2", "2<hr class=x>"), ("a 2", "2<hr class=x>1")]


async def test_no_connection_is_held_while_an_uploaded_file_is_stored_and_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []

    async def look_around(path: Path, database: Database, owner: UUID, clock: Clock, fresh: DeckOptions) -> Preview:
        pool = database.engine.pool
        assert isinstance(pool, QueuePool)
        held.append(pool.checkedout())
        return await read(path, database, owner, clock, fresh)

    monkeypatch.setattr("flashcard.api.transfer.look", look_around)
    await look(desk.student(), "deck.csv", b"question,answer\nQ,A\n")
    assert held == [0]


async def test_an_upload_that_is_repeated_with_its_key_happens_once(desk: Desk) -> None:
    ada, key = desk.student(), {"Idempotency-Key": "one"}

    async def sent(path: str, name: str, content: bytes) -> Response:
        return await ada.http.post(path, files={"file": (name, content)}, headers=key)

    for path, name in (("/decks/import", "deck.csv"), ("/flashcards/media", "a.png")):
        first, again, other = [await sent(path, name, content) for content in (TABLE, TABLE, TABLE + b"Q2,A\n")]
        assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
        assert again.json() == first.json()
    at_once = await asyncio.gather(*(sent("/decks/import", "deck.csv", TABLE) for _ in range(3)))
    assert len({answer.json()["id"] for answer in at_once}) == 1
    stored = [path for path in desk.folder.rglob("*") if path.is_file() and "imports" in path.parts]
    assert len(stored) == 1
