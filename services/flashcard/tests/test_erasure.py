"""Nothing is left of a student who is gone, and late news brings nothing back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.storage import Storage
from flashcard.erasure import Erasure
from flashcard.import_work import ImportWork
from flashcard.media import Shelves
from flashcard.models import tables
from flashcard.settings import Settings
from sqlalchemy import func, select, text

from .desk import Desk
from .test_anki_packages import look
from .test_bad_packages import with_pictures
from .test_drafts import propose, proposed


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_rows_pictures_and_files_to_be_imported_are_erased_and_nobody_elses(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    for student in (ada, bob):
        await desk.knows(student)
        await student.reviews(await student.writes(), "good")
        await propose(desk, student, proposed("Another"))
        await student.http.post("/flashcards/media", files={"file": ("a.png", str(student.id).encode())})
        await look(student, "deck.csv", b"question,answer\nQ,A\n")
        (deck,) = (await student.get("/decks"))["items"]
        await student.post(f"/decks/{deck['id']}/share")
    before = len(files(desk.folder))

    async with desk.database.transaction() as session:
        await Erasure(session, desk.storage).erase(ada.id)

    assert len(files(desk.folder)) == before // 2
    async with desk.database.transaction() as session:
        for table in tables.metadata.sorted_tables:
            if "user_id" in table.c and table.name != "erased_user":
                left = select(func.count()).select_from(table).where(table.c.user_id == ada.id)
                assert (await session.execute(left)).scalar_one() == 0, table.name
    assert len((await bob.get("/flashcards"))["items"]) == 1


async def test_what_a_request_leaves_after_the_account_ended_is_erased_within_the_hour(desk: Desk) -> None:
    ada = desk.student()
    async with desk.database.transaction() as session:
        await Erasure(session, desk.storage).erase(ada.id)
    await ada.post("/decks", name="Late")
    await desk.upkeep.tidy()
    assert (await ada.get("/decks"))["items"] == []


async def hours_after(desk: Desk, hours: int) -> None:
    """The scheduler looks, so many hours after all that was erased."""
    earlier = text("UPDATE erased_user SET erased_at = erased_at - make_interval(hours => :hours)")
    async with desk.database.transaction() as session:
        await session.execute(earlier, {"hours": hours})
    await desk.upkeep.tidy()


async def test_pictures_of_a_process_that_ended_after_the_account_are_erased_however_late(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    async with desk.database.transaction() as session:
        await Erasure(session, desk.storage).erase(ada.id)
    for student in (ada, bob):
        await Shelves(desk.storage, student.id).put(lambda: iter([b"stored, and then the process was killed"]))
    await hours_after(desk, 100)
    assert [str(bob.id) in path.parts for path in files(desk.folder)] == [True]


async def test_pictures_of_an_import_that_failed_or_broke_off_are_erased_too(desk: Desk, tmp_path: Path) -> None:
    ada = desk.student()
    begun = await look(ada, "deck.apkg", with_pictures(tmp_path))
    await ada.post(f"/decks/imports/{begun['id']}/run")
    stored: list[str] = []

    class Gone(Storage):
        """The account ends, or the process dies, when the second picture is stored."""

        async def put(self, key: str, blocks: AsyncIterator[bytes]) -> None:
            await super().put(key, blocks)
            stored.append(key)
            if len(stored) == 2:
                async with desk.database.transaction() as session:
                    await Erasure(session, desk.storage).erase(ada.id)

    work = ImportWork(desk.database, Gone(Settings(data_dir=desk.folder).storage), lambda: desk.now)
    assert await work.once()
    assert len(stored) == 3, "the third came after the end"
    assert files(desk.folder / "flashcard") == []


async def test_files_without_a_row_are_erased_too(desk: Desk) -> None:
    ada, bob = desk.student(), desk.student()
    for student in (ada, bob):
        await Shelves(desk.storage, student.id).put(lambda: iter([b"a picture that got no name"]))
    async with desk.database.transaction() as session:
        await Erasure(session, desk.storage).erase(ada.id)
    assert [str(bob.id) in path.parts for path in files(desk.folder)] == [True]


async def test_a_picture_that_comes_while_the_account_ends_is_erased_too(desk: Desk) -> None:
    ada = desk.student()
    came: list[int] = []

    class Busy(Storage):
        """A picture of the student comes as soon as the folder has been emptied."""

        async def discard_folder(self, folder: str) -> None:
            await super().discard_folder(folder)
            if not came:
                uploaded = await ada.http.post("/flashcards/media", files={"file": ("a.png", b"late")})
                came.append(uploaded.status_code)

    async with desk.database.transaction() as session:
        await Erasure(session, Busy(Settings(data_dir=desk.folder).storage)).erase(ada.id)
    assert came == [201]
    assert files(desk.folder / "flashcard") == []


@pytest.mark.parametrize("how", ["picture", "import", "copy"])
async def test_files_that_come_after_the_account_ended_are_not_kept(desk: Desk, how: str) -> None:
    ada, bob = desk.student(), desk.student()
    deck = await bob.post("/decks", name="Biology")
    await bob.http.post("/flashcards/media", files={"file": ("cell.png", b"x")})
    await bob.writes("<img src='cell.png'>", "a cell", deck_id=deck["id"])
    shared = (await bob.post(f"/decks/{deck['id']}/share"))["path"].removeprefix("/api/v1")
    async with desk.database.transaction() as session:
        await Erasure(session, desk.storage).erase(ada.id)
    match how:
        case "picture":
            answer = await ada.http.post("/flashcards/media", files={"file": ("a.png", b"late")})
        case "import":
            answer = await ada.http.post("/decks/import", files={"file": ("deck.csv", b"question,answer\nQ,A\n")})
        case _:
            answer = await ada.http.post(f"{shared}/copy")
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:studyteddy:problem:account-ended")
    assert [str(bob.id) in path.parts for path in files(desk.folder / "flashcard")] == [True]
    assert (await ada.get("/decks"))["items"] == []


async def test_late_news_of_a_student_who_is_gone_makes_no_rows(desk: Desk) -> None:
    ada = desk.student()
    async with desk.database.transaction() as session:
        await Erasure(session, desk.storage).erase(ada.id)
    await desk.knows(ada)
    assert await propose(desk, ada, proposed()) == 0
    async with desk.database.transaction() as session:
        assert (
            await session.execute(select(func.count()).select_from(tables.metadata.tables["student"]))
        ).scalar_one() == 0
