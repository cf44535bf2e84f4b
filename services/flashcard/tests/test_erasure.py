"""Nothing is left of a student who is gone, and late news brings nothing back."""

from pathlib import Path

from flashcard.erasure import Erasure
from flashcard.models import tables
from sqlalchemy import func, select

from .desk import Desk
from .test_anki_packages import look
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
        (deck,) = (await student.http.get("/decks")).json()
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
