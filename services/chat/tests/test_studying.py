"""What every mode can build on: intents, details that are kept and found again, events in the same transaction."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from chassis.database import Database
from chassis.errors import Unavailable
from chat.conversation import Conversation, SessionWentOn
from chat.model import Usage
from chat.models import StudySession
from chat.schemas import message_out
from chat.studying import Answered, Asked, Details
from contracts.chat import MessageAnswered

from .school import School

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LEASE = timedelta(seconds=15)


class Score(Details, frozen=True):
    shown_as: ClassVar[str] = "score"
    points: int


def scored(points: int) -> Answered:
    return Answered("Right.", (), Usage(0, 0), details=Score(points=points))


class Quiz:
    """A session of a mode whose turns build on each other."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.student = uuid4()
        self.id = UUID(int=0)

    async def start(self) -> None:
        started = StudySession(
            user_id=self.student, mode="active_recall", document_ids=[], created_at=NOW, updated_at=NOW
        )
        async with self.database.transaction() as session:
            session.add(started)
            await session.flush()
            self.id = started.id

    async def asks(self, content: str = "x") -> Asked:
        async with self.database.transaction() as session:
            return await Conversation(session, self.student).ask(self.id, content, NOW, LEASE)

    async def retries(self, asked: Asked) -> Asked:
        async with self.database.transaction() as session:
            return await Conversation(session, self.student).retry(asked.answer_id, NOW, LEASE)

    async def gets(self, asked: Asked, answered: Answered) -> None:
        async with self.database.transaction() as session:
            message = await Conversation(session, self.student).complete(asked, answered, NOW)
            assert message_out(message).content == answered.content

    async def fails(self, asked: Asked) -> None:
        async with self.database.transaction() as session:
            await Conversation(session, self.student).fail(asked, Unavailable("No."), "", NOW)


@pytest.fixture
async def quiz(database: Database) -> Quiz:
    quiz = Quiz(database)
    await quiz.start()
    return quiz


async def test_what_a_mode_keeps_is_found_by_its_later_turns_in_order(quiz: Quiz) -> None:
    for points in range(3):
        asked = await quiz.asks()
        assert list(asked.kept) == [{"points": earlier} for earlier in range(points)]
        await quiz.gets(asked, scored(points))


async def test_turn_that_failed_and_is_retried_counts_once(quiz: Quiz) -> None:
    await quiz.gets(await quiz.asks(), scored(1))
    asked = await quiz.asks()
    await quiz.fails(asked)
    again = await quiz.retries(asked)
    assert list(again.kept) == [{"points": 1}]
    await quiz.gets(again, scored(2))
    assert list((await quiz.asks()).kept) == [{"points": 1}, {"points": 2}]


async def test_turn_that_failed_is_over_once_the_session_went_on(quiz: Quiz) -> None:
    asked = await quiz.asks()
    await quiz.fails(asked)
    await quiz.gets(await quiz.asks(), scored(1))
    with pytest.raises(SessionWentOn):
        await quiz.retries(asked)


async def test_events_of_a_mode_are_published_with_the_version_of_the_message(quiz: Quiz, school: School) -> None:
    asked = await quiz.asks()
    event = MessageAnswered(
        message_id=asked.answer_id, session_id=quiz.id, user_id=quiz.student, citations=[], offline=True, version=1
    )
    await quiz.gets(asked, Answered("Right.", (), Usage(0, 0), events=(event,)))
    answered, own = await school.events()
    assert answered == own
    assert own[1]["version"] == 2


async def test_tutor_knows_no_intent_and_keeps_nothing_of_one(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    path = f"/chat/sessions/{session['id']}/messages"
    refused = await ada.client.post(path, json={"content": "What is a cell?", "intent": "hint"})
    assert refused.status_code == 422
    assert refused.json()["type"].endswith("intent-not-available")
    assert await ada.messages(session) == []


@pytest.mark.parametrize("body", [{"intent": "answer"}, {"intent": "explain", "content": "  "}, {"intent": "dance"}])
async def test_only_a_button_that_says_it_all_needs_no_words(school: School, body: dict[str, str]) -> None:
    ada = school.student()
    session = await ada.starts()
    refused = await ada.client.post(f"/chat/sessions/{session['id']}/messages", json=body)
    assert refused.status_code == 422
    assert refused.json()["type"].endswith("invalid-request")
