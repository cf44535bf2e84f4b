"""What flashcard says of cards and shared decks to a consumer that comes late."""

from uuid import UUID

from chassis.database import Database
from contracts.flashcard import CardCreated, DeckShared
from flashcard.snapshots import cards, shared_decks

from .desk import Desk


async def test_every_card_is_said_as_it_is_now_by_pages(desk: Desk, database: Database) -> None:
    ada = desk.student()
    made = [await ada.writes(question=f"What is {thing}?") for thing in ("a cell", "a wall", "a root")]
    await ada.reviews(made[0], "good")
    changed = await ada.http.patch(f"/flashcards/{made[1]['id']}", json={"question": "What is a membrane?"})
    assert changed.status_code == 200, changed.text

    async with database.transaction() as session:
        first = await cards(session, None, 2)
        rest = await cards(session, UUID(first[-1].aggregate_id), 2)
    said = {event.aggregate_id: event for event in [*first, *rest]}
    assert list(said) == sorted(card["id"] for card in made)
    assert all(isinstance(event, CardCreated) for event in said.values())
    assert {str(event.card_id): event.question for event in said.values() if isinstance(event, CardCreated)} == {
        made[0]["id"]: "What is a cell?",
        made[1]["id"]: "What is a membrane?",
        made[2]["id"]: "What is a root?",
    }
    assert said[made[0]["id"]].version > said[made[2]["id"]].version, "a review is a fact of the card"


async def test_decks_with_a_link_are_said_with_the_cards_that_they_have(desk: Desk, database: Database) -> None:
    ada = desk.student()
    shared, _ = await ada.post("/decks", name="Biology"), await ada.post("/decks", name="Chemistry")
    await ada.post(f"/decks/{shared['id']}/share")
    await ada.writes(deck_id=shared["id"])

    async with database.transaction() as session:
        (said,) = await shared_decks(session, None, 10)
        assert await shared_decks(session, UUID(said.aggregate_id), 10) == []
    assert isinstance(said, DeckShared)
    assert (str(said.deck_id), said.name, said.cards) == (shared["id"], "Biology", 1)
