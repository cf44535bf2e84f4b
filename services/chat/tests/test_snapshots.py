"""What chat says in a snapshot is what it said when it happened."""

from chat.snapshots import answers, proposals, sessions

from .builders import passage
from .school import School


async def test_snapshot_says_of_sessions_and_answers_what_was_said_of_them(school: School) -> None:
    school.neighbours.passages = [passage("The cell is the smallest unit that is alive.", page=7)]
    ada = school.student()
    document = await school.shelve(ada)
    studied = await ada.starts(document_ids=[str(document)])
    await ada.asks(studied, "What is a cell?")
    await ada.asks(await ada.starts(), "Who saw it first?")
    # Whether an answer was followed is known as it happens, and not said again.
    said = [
        (kind, event | ({"followed": False} if kind == "chat.message.answered.v1" else {}))
        for kind, event in await school.events()
    ]
    async with school.database.transaction() as session:
        events = [*await sessions(session, None, 10), *await answers(session, None, 10)]
        assert [(event.routing_key, event.model_dump(mode="json")) for event in events] == sorted(
            said, key=lambda one: (one[0] != "chat.session.started.v1", one[1].get("message_id", one[1]["session_id"]))
        )
        first, second = await sessions(session, None, 10)
        assert await sessions(session, first.session_id, 10) == [second]  # type: ignore[attr-defined]  # it is a SessionStarted
        assert await answers(session, None, 1) == events[2:3]


async def test_snapshot_says_of_proposals_what_was_said_of_them(school: School) -> None:
    ada = school.student()
    document = await school.shelve(ada)
    school.neighbours.passages = [passage("Osmosis is the movement of water through a membrane.", document=document)]
    await ada.client.post(f"/chat/documents/{document}/flashcards", json={})
    (said,) = await school.events()
    async with school.database.transaction() as session:
        (event,) = await proposals(session, None, 10)
    assert (event.routing_key, event.model_dump(mode="json")) == said
