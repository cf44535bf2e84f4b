"""An import is a row: whoever dies while working on it leaves it to another, and it is done once."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

import pytest
from chassis.study_day import StudyDay
from flashcard.import_work import ImportWork, read_file
from flashcard.importing import Importing
from flashcard.imports import MOST_ATTEMPTS, LeaseLost, claim
from flashcard.incoming import Incoming
from flashcard.media import MediaNames, Stored
from prometheus_client import REGISTRY
from sqlalchemy import text

from .desk import Desk, Student
from .hostile import hostile
from .test_anki_packages import bring_in, export, look
from .test_bad_packages import with_pictures

TABLE = "question,answer\n" + "".join(f"Question {number},A\n" for number in range(2500))


async def wanted(ada: Student) -> str:
    begun = await look(ada, "deck.csv", TABLE.encode())
    await ada.post(f"/decks/imports/{begun['id']}/run")
    import_id: str = begun["id"]
    return import_id


async def blocks(*content: bytes) -> AsyncIterator[bytes]:
    for block in content:
        yield block


async def count(ada: Student) -> int:
    total: int = (await ada.get("/flashcards/statistics"))["maturity"]["new"]
    return total


async def test_nothing_is_imported_before_the_students_word(desk: Desk) -> None:
    ada = desk.student()
    begun = await look(ada, "deck.csv", TABLE.encode())
    assert (begun["status"], begun["preview"]["new"]) == ("previewed", 2500)
    assert not await desk.work.once()
    assert await count(ada) == 0


async def test_a_worker_that_dies_leaves_nothing_half_and_another_does_it(desk: Desk) -> None:
    ada = desk.student()
    import_id = await wanted(ada)
    work = asyncio.create_task(desk.work.once())
    while (await ada.get(f"/decks/imports/{import_id}"))["progress"] < 0.5:
        assert not work.done(), "it was too quick to be killed"
        await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await count(ada) == 0
    assert not await desk.work.once(), "its lease is not over yet"
    desk.later(minutes=2)
    assert await desk.work.once()
    assert (await ada.get(f"/decks/imports/{import_id}"))["status"] == "done"
    assert await count(ada) == 2500


async def test_the_lease_is_held_while_a_file_is_read_for_longer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, go_on = desk.student(), threading.Event()
    await wanted(ada)

    def slowly(path: Path, counting: StudyDay) -> Incoming:
        assert go_on.wait(30)
        return read_file(path, counting)

    monkeypatch.setattr("flashcard.import_work.read_file", slowly)
    monkeypatch.setattr("flashcard.import_work._HOLD_SECONDS", 0.05)
    work = asyncio.create_task(desk.work.once())
    try:
        for _ in range(3):
            await asyncio.sleep(0.5)
            desk.later(seconds=45)
            await asyncio.sleep(0.5)
            assert not await desk.work.once(), "it is still being read"
    finally:
        go_on.set()
    assert await work
    assert await count(ada) == 2500


async def test_a_long_log_is_written_in_parts_between_which_the_lease_is_held(desk: Desk, tmp_path: Path) -> None:
    log = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 24999)"
    many = f"{log} INSERT INTO revlog SELECT 1500000000000 + x, 1, 0, 3, 5, 1, 2500, 1000, 1 FROM n"
    (tmp_path / "long.apkg").write_bytes(hostile(tmp_path, many))
    told = list[float]()

    async def progress(share: float) -> None:
        told.append(share)

    async with desk.database.transaction() as session:
        importing = Importing(session, uuid4(), StudyDay(), desk.now)
        done = await importing.apply(read_file(tmp_path / "long.apkg", StudyDay()), progress)
    assert (done.reviews, told) == (25_000, [0.0, 0.0, 0.0, 1.0])


async def test_two_workers_at_once_import_once(desk: Desk) -> None:
    ada = desk.student()
    await wanted(ada)
    assert sorted(await asyncio.gather(desk.work.once(), desk.work.once())) == [False, True]
    assert await count(ada) == 2500


async def test_one_that_lost_its_lease_writes_nothing(desk: Desk) -> None:
    ada = desk.student()
    import_id = await wanted(ada)
    async with desk.database.transaction() as session:
        frozen = await claim(session, desk.now)
    assert frozen is not None
    desk.later(minutes=2)
    assert await desk.work.once()
    thawed = ImportWork(desk.database, desk.storage, lambda: desk.now)
    with pytest.raises(FileNotFoundError):  # the file goes with the import
        await thawed._do(frozen)
    await desk.storage.put(frozen.storage_key, blocks(TABLE.encode()))
    with pytest.raises(LeaseLost):  # and the lease is another's
        await thawed._do(frozen)
    assert (await ada.get(f"/decks/imports/{import_id}"))["status"] == "done"
    assert await count(ada) == 2500


def failed_imports(code: str) -> float:
    return REGISTRY.get_sample_value("flashcard_imports_failed_total", {"code": code}) or 0.0


async def test_an_import_that_kills_its_worker_fails_in_words(desk: Desk) -> None:
    ada = desk.student()
    import_id = await wanted(ada)
    failed_before = failed_imports("import-unfinished")
    for _ in range(MOST_ATTEMPTS):
        async with desk.database.transaction() as session:
            assert await claim(session, desk.now) is not None
        desk.later(minutes=2)
    assert not await desk.work.once()
    failed = await ada.get(f"/decks/imports/{import_id}")
    assert failed["status"] == "failed"
    assert "broke off" in failed["error"]
    assert failed_imports("import-unfinished") == failed_before + 1
    await ada.post(f"/decks/imports/{import_id}/run")
    assert await desk.work.once()
    assert await count(ada) == 2500


async def test_what_nobody_wanted_is_forgotten_with_its_file(desk: Desk) -> None:
    ada = desk.student()
    begun = await look(ada, "deck.csv", TABLE.encode())
    desk.now += timedelta(days=2)
    await desk.work.forget_old()
    assert (await ada.http.get(f"/decks/imports/{begun['id']}")).status_code == 404
    assert [path for path in desk.folder.rglob("*") if path.is_file()] == []


async def test_nobody_reaches_anothers_imports_and_pictures(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    begun = await look(ada, "deck.csv", TABLE.encode())
    made = await ada.http.post("/flashcards/media", files={"file": ("cell.png", b"x")})
    assert made.json()["name"] == "cell.png"
    path = f"/decks/imports/{begun['id']}"
    answers = [
        await eve.http.get(path),
        await eve.http.post(f"{path}/run", json={}),
        await eve.http.delete(path),
        await eve.http.get("/flashcards/media/cell.png"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    decks = await ada.post("/decks", name="D")
    assert (await eve.http.get(f"/decks/{decks['id']}/export")).status_code == 404


async def test_a_picture_is_shown_and_a_page_is_only_downloaded(desk: Desk) -> None:
    ada = desk.student()
    for name in ("cell.png", "evil.html", "evil.svg"):
        assert (await ada.http.post("/flashcards/media", files={"file": (name, b"<script>")})).status_code == 201
    picture = await ada.http.get("/flashcards/media/cell.png")
    assert (picture.headers["content-type"], picture.headers["x-content-type-options"]) == ("image/png", "nosniff")
    for name in ("evil.html", "evil.svg"):
        page = await ada.http.get(f"/flashcards/media/{name}")
        assert page.headers["content-type"] == "application/octet-stream"
        assert page.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in page.headers["content-security-policy"]


async def test_another_picture_of_the_same_name_is_given_another(desk: Desk) -> None:
    ada = desk.student()
    files = [{"file": ("a.png", content)} for content in (b"one", b"two", b"one")]
    names = [(await ada.http.post("/flashcards/media", files=file)).json()["name"] for file in files]
    assert names[0] == names[2] == "a.png"
    assert names[1] != "a.png"
    assert (await ada.http.get(f"/flashcards/media/{names[1]}")).content == b"two"


async def test_a_card_that_names_what_no_file_can_be_called_is_exported(desk: Desk) -> None:
    ada = desk.student()
    await ada.writes("<img src='a%00b.png'>", "x")
    assert await export(ada, "Default")
    assert (await ada.http.get("/flashcards/media/a%00b.png")).status_code == 404


async def test_more_pictures_than_a_statement_has_parameters_get_their_names(desk: Desk) -> None:
    ada = desk.student()
    stored = {f"{number}.png": Stored(number.to_bytes(32), 1) for number in range(40_000)}
    for _ in range(2):
        async with desk.database.transaction() as session:
            names = MediaNames(session, ada.id)
            assert set((await names.keep(stored, desk.now)).values()) == set(stored)
            assert len(await names.among(list(stored))) == 40_000


@pytest.mark.parametrize("name", ["it's.png", "a[1].png", "50% “x”.png"])
async def test_what_ankis_pictures_are_called_is_shown(desk: Desk, tmp_path: Path, name: str) -> None:
    ada = desk.student()
    shown = f'<img src="{name.replace("%", "%25")}">'
    await bring_in(desk, ada, "deck.apkg", with_pictures(tmp_path, {"0": name}, answer=shown.replace("'", "''")))
    (card,) = (await ada.get("/flashcards"))["items"]
    (path,) = re.findall(r'src="/api/v1([^"]+)"', (await ada.get(f"/flashcards/{card['id']}"))["back_html"])
    assert (await ada.http.get(path)).content == b"x"


@pytest.mark.parametrize("name", ["../x.png", "a<b.png", "x" * 200])
async def test_bad_names_of_pictures_are_refused(desk: Desk, name: str) -> None:
    answer = await desk.student().http.post("/flashcards/media", files={"file": (name, b"x")})
    assert answer.status_code == 422


async def test_a_picture_that_is_too_large_is_refused(desk: Desk) -> None:
    answer = await desk.student().http.post(
        "/flashcards/media", files={"file": ("a.png", b"x" * (10 * 1024 * 1024 + 1))}
    )
    assert answer.status_code == 413


async def test_a_storage_that_is_away_is_not_told_to_be_a_damaged_package(desk: Desk, tmp_path: Path) -> None:
    ada = desk.student()
    begun = await look(ada, "deck.apkg", with_pictures(tmp_path))
    await ada.post(f"/decks/imports/{begun['id']}/run")
    in_the_way = desk.folder / "flashcard" / "files" / str(ada.id) / "media"
    in_the_way.write_bytes(b"a file where the folder of pictures would be")
    with pytest.raises(Exception, match=r"media"):
        await desk.work.once()
    waiting = await ada.get(f"/decks/imports/{begun['id']}")
    assert (waiting["status"], waiting["error"]) == ("queued", None)
    in_the_way.unlink()
    desk.later(minutes=2)
    assert await desk.work.once()
    assert (await ada.get(f"/decks/imports/{begun['id']}"))["status"] == "done"


async def test_cards_of_a_large_import_are_changed_at_once_though_statistics_are_of_before(desk: Desk) -> None:
    ada, large = desk.student(), clozes(3000)
    await desk.student().writes()
    async with desk.database.transaction() as session:
        for table in ("note", "card"):  # as of many students with a card each
            await session.execute(text(f"ALTER TABLE {table} ALTER user_id SET (n_distinct = -1)"))
            await session.execute(text(f"ANALYZE {table}"))
    began = perf_counter()
    await bring_in(desk, ada, "d.csv", large)
    imported = perf_counter()
    cards = [card["id"] for card in (await ada.get("/flashcards", limit=2))["items"]]
    took = []
    for action in ("suspend", "unsuspend", "bury"):
        changing = perf_counter()
        await ada.post("/flashcards/bulk", card_ids=cards, action=action)
        took.append(perf_counter() - changing)
    # Each note compared with each card took longer than bringing them all in.
    assert min(took) < (imported - began) / 2


@pytest.mark.parametrize("what", ["moved", "deleted"])
async def test_a_note_that_gets_a_card_is_whole_though_it_is_moved_or_deleted_that_moment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    ada, table = desk.student(), "guid,question,answer,deck,notetype\ng1,{{c1::a}},x,D,Cloze\n"
    await bring_in(desk, ada, "d.csv", table.encode())
    (card,) = (await ada.get("/flashcards"))["items"]
    other = await ada.post("/decks", name="E")
    settled = Importing._settled

    async def changed_before(self: Importing, *told: Any) -> Any:
        action = {"action": "move", "deck_id": other["id"]} if what == "moved" else {"action": "delete"}
        await ada.post("/flashcards/bulk", card_ids=[card["id"]], **action)
        return await settled(self, *told)

    monkeypatch.setattr(Importing, "_settled", changed_before)
    await bring_in(desk, ada, "d.csv", table.replace("{{c1::a}}", "{{c1::a}} {{c2::b}}").encode())
    expected = other["id"] if what == "moved" else card["deck_id"]
    assert [each["deck_id"] for each in (await ada.get("/flashcards"))["items"]] == [expected] * 2


def clozes(notes: int) -> bytes:
    """A table of notes with two cards each."""
    rows = (f"g{number},{{{{c1::a{number}}}}} {{{{c2::b}}}},x,D,Cloze\n" for number in range(notes))
    return ("guid,question,answer,deck,notetype\n" + "".join(rows)).encode()
