"""Cards that ask what another asks already: told, and not refused."""

from .desk import Desk, Json


async def test_a_duplicate_is_made_and_told(desk: Desk) -> None:
    ada = desk.student()
    first = await ada.writes("What is a cell?")
    again = await ada.post("/flashcards", question="what is a  CELL?", answer="x")
    assert again["alike"] == [first["note_id"]]


async def test_a_question_that_another_card_asks_already_is_told_when_it_is_changed(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    await eve.writes("What is a cell?")
    first, second = await ada.writes("What is a cell?"), await ada.writes("What is life?")

    async def told(card: Json, **change: object) -> list[str]:
        answer = await ada.http.patch(f"/flashcards/{card['id']}", json=change)
        alike: list[str] = answer.json()["alike"]
        return alike

    assert await told(second, question="what is a **cell**?") == [first["note_id"]]
    assert (await ada.get(f"/flashcards/{second['id']}"))["question"] == "what is a **cell**?", (
        "it is told, not refused"
    )
    assert await told(second, answer="Another") == []
    assert await told(first, question="What is a cell?") == [second["note_id"]], "the card itself is none"
    assert await told(second, question="What is a virus?") == []
