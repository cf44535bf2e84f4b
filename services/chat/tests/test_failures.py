"""What a student gets when a part fails, and what is left of it: with a language model behind chat."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from chassis.database import Database, DatabaseAway
from chat import answering
from chat.conversation import Conversation, Interrupted
from chat.models import Message
from chat.tutoring import OfflineTutor
from chat.upkeep import Upkeep
from sqlalchemy import text

from .builders import passage
from .neighbours import Neighbours
from .provider import Provider, Script, breaks_off, falls_silent, provider, refuses, says
from .school import EVENTS, School, happenings

CELLS = "The cell is the smallest unit that is alive. Cells divide because a large cell cannot feed itself."
GOOD = says("Cells are ", "alive [", "1]. Fish fly [9", "]. ", "The end.")


@pytest.fixture(autouse=True)
def material(neighbours: Neighbours) -> None:
    neighbours.passages = [passage(CELLS, page=7, title="Biology")]


@asynccontextmanager
async def taught(
    database: Database, neighbours: Neighbours, *scripts: Script, **settings: Any
) -> AsyncIterator[tuple[School, Provider]]:
    """Chat with a language model."""
    hasty = {"llm_retries": 0, "llm_first_seconds": 15, "llm_pause_seconds": 15, "llm_model": "m", "llm_api_key": "k"}
    async with (
        provider(*scripts) as model,
        School.open(database, neighbours, llm_base_url=model.url, **hasty | settings) as school,
    ):
        yield school, model


async def test_models_answer_leaves_with_checked_citations_only(database: Database, neighbours: Neighbours) -> None:
    async with taught(database, neighbours, GOOD) as (school, model):
        ada = school.student()
        session = await ada.starts()
        heard = await ada.hears(session, "What is a cell?")
    done = heard[-1].data
    assert done["content"] == "Cells are alive [1]. Fish fly. The end."
    assert "".join(h.data["text"] for h in heard if h.name == "token") == done["content"]
    assert [citation["quote"] for citation in done["citations"]] == ["The cell is the smallest unit that is alive."]
    assert done["usage"] == {"input_tokens": 21, "output_tokens": 8, "estimated": False, "cost_usd": None}
    assert (done["model"], done["offline"], done["grounded"]) == ("m", False, True)
    prompt = model.requests[0]["messages"][-1]["content"]
    assert CELLS in prompt
    assert prompt.endswith("What is a cell?")


async def test_model_that_finds_nothing_in_the_passages_cites_nothing(
    database: Database, neighbours: Neighbours
) -> None:
    async with taught(database, neighbours, says("NOT_IN", "_MATERIAL", " but I know [1]")) as (school, _):
        ada = school.student()
        answer = (await ada.asks(await ada.starts(), "What is a cell?")).json()
    assert "could not find" in answer["content"]
    assert "I know" not in answer["content"]
    assert answer["citations"] == []
    assert answer["usage"] == {"input_tokens": 21, "output_tokens": 8, "estimated": False, "cost_usd": None}


async def test_memory_goes_with_the_next_question(database: Database, neighbours: Neighbours) -> None:
    async with taught(database, neighbours, GOOD) as (school, model):
        ada = school.student()
        session = await ada.starts()
        for question in ("What is a cell?", "and why?"):
            await ada.asks(session, question)
    roles = [(turn["role"], turn["content"]) for turn in model.requests[1]["messages"]]
    assert roles[1:3] == [("user", "What is a cell?"), ("assistant", "Cells are alive. Fish fly. The end.")]


@pytest.mark.parametrize("stream", [False, True])
async def test_failure_before_the_first_word_is_a_problem_and_can_be_retried(
    database: Database, neighbours: Neighbours, stream: bool
) -> None:
    headers = EVENTS if stream else {}
    async with taught(database, neighbours, refuses(500), refuses(500), GOOD) as (school, _):
        ada = school.student()
        session = await ada.starts()
        failed = await ada.asks(session, "What is a cell?", **headers)
        assert failed.status_code == 503
        assert failed.headers["content-type"] == "application/problem+json"
        problem = failed.json()
        question, answer = await ada.messages(session)
        assert (answer["id"], question["id"]) == (problem["message_id"], problem["question_id"])
        assert question["content"] == "What is a cell?"
        assert (answer["status"], answer["content"]) == ("failed", "")
        assert problem["type"].endswith(answer["error"]["type"])
        again = await ada.client.post(f"/chat/messages/{question['id']}/retry", headers=headers)
        assert again.status_code == 503
        path = f"/chat/messages/{answer['id']}/retry"
        assert (await ada.client.post(path)).json()["content"].startswith("Cells are alive [1].")
        last = (await ada.messages(session))[-1]
        assert (last["id"], last["status"], last["attempts"], last["error"]) == (answer["id"], "done", 3, None)
        assert [kind for kind, _ in await school.events()] == ["chat.session.started.v1", "chat.message.answered.v1"]


@pytest.mark.parametrize("script", [breaks_off("Cells ", "are [1] "), falls_silent("Cells ", "are [1] ")])
async def test_failure_after_the_first_word_is_an_event_and_can_be_retried_as_a_stream(
    database: Database, neighbours: Neighbours, script: Script
) -> None:
    async with taught(database, neighbours, script, GOOD, llm_pause_seconds=1) as (school, _):
        ada = school.student()
        session = await ada.starts()
        heard = await ada.hears(session, "What is a cell?")
        assert [happening.name for happening in heard][-1] == "error"
        assert {"message", "token", "error"} == {happening.name for happening in heard}
        assert heard[-1].data["type"].endswith("model-broke-off")
        assert heard[-1].data["message_id"] == heard[0].data["id"]
        stored = (await ada.messages(session))[-1]
        assert (stored["status"], stored["content"], stored["citations"]) == ("failed", "Cells are", [])
        async with ada.client.stream("POST", f"/chat/messages/{stored['id']}/retry", headers=EVENTS) as response:
            again = [happening async for happening in happenings(response)]
    assert again[-1].data["content"].startswith("Cells are alive [1].")
    assert again[0].id == f"{stored['id']}.2.1"


@pytest.mark.parametrize("stream", [False, True])
async def test_search_that_fails_is_a_503_before_the_first_word(school: School, stream: bool) -> None:
    ada = school.student()
    session = await ada.starts()
    headers = EVENTS if stream else {}
    expected = {500: 503, 404: 503, 401: 401, 429: 429}
    for status, answered in expected.items():
        school.neighbours.status = status
        response = await ada.asks(session, "What is a cell?", **headers)
        assert response.status_code == answered, status
    school.neighbours.status, school.neighbours.body = 200, '{"passages": "none"}'
    assert (await ada.asks(session, "What is a cell?", **headers)).status_code == 503
    messages = await ada.messages(session)
    assert [message["status"] for message in messages] == ["done", "failed"] * 5


async def test_ingestion_that_is_away_is_a_503(database: Database, neighbours: Neighbours) -> None:
    async with School.open(database, neighbours, ingestion_url="http://127.0.0.1:9") as school:
        ada = school.student()
        response = await ada.asks(await ada.starts(), "What is a cell?")
    assert response.status_code == 503
    assert response.json()["type"].endswith("search-unavailable")


async def test_passages_whose_offsets_do_not_fit_are_not_cited(school: School) -> None:
    school.neighbours.body = '{"answerable": true, "passages": [{"passage_id": "%s", "document_id": "%s", "document_title": "B", "page": 1, "part": 1, "quote": "The cell is alive.", "start": 3, "end": 9, "score": 0.9}]}' % (("6f0f2b1e-0000-4000-8000-000000000001",) * 2)  # fmt: skip
    ada = school.student()
    assert (await ada.asks(await ada.starts(), "What is a cell?")).json()["citations"] == []


async def test_repeated_request_tries_a_failed_answer_again(database: Database, neighbours: Neighbours) -> None:
    async with taught(database, neighbours, refuses(500), GOOD) as (school, _):
        ada = school.student()
        session = await ada.starts()
        codes = [(await ada.asks(session, "What is a cell?", **{"Idempotency-Key": "k"})).status_code for _ in range(2)]
        assert codes == [503, 201]
        assert len(await ada.messages(session)) == 2


async def test_student_who_leaves_finds_the_answer_later(database: Database, neighbours: Neighbours) -> None:
    gate = asyncio.Event()
    async with taught(database, neighbours, says("Cells ", "divide [1].", gate=gate, after=1)) as (school, _):
        ada = school.student()
        session = await ada.starts()
        async with ada.streams(session, "What do cells do?") as stream:
            assert [(await anext(stream)).name for _ in range(2)] == ["message", "token"]
        assert (await ada.messages(session))[-1]["status"] == "answering"
        gate.set()
        answer = await school.until_answered(ada, session)
    assert (answer["status"], answer["content"]) == ("done", "Cells divide [1].")


async def test_stream_opens_while_a_slow_model_thinks(database: Database, neighbours: Neighbours) -> None:
    gate = asyncio.Event()
    script = says("Late.", gate=gate)
    async with taught(database, neighbours, script, opening_seconds=0.05) as (school, _):
        ada = school.student()
        async with ada.streams(await ada.starts(), "What is a cell?") as stream:
            assert (await anext(stream)).name == "message"
            gate.set()
            assert [happening.name async for happening in stream][-1] == "done"


async def test_two_readers_see_one_answer_whole(database: Database, neighbours: Neighbours) -> None:
    gate = asyncio.Event()
    script = says("Cells ", "divide.", gate=gate, after=1)
    async with taught(database, neighbours, script) as (school, _):
        ada = school.student()
        session = await ada.starts()
        key = {"Idempotency-Key": "k"}
        async with ada.streams(session, "What?", **key) as one, ada.streams(session, "What?", **key) as other:
            first = [await anext(one) for _ in range(2)]
            gate.set()
            assert [*first, *[h async for h in one]] == [h async for h in other]


async def test_process_that_stops_finishes_or_marks_its_answers(database: Database, neighbours: Neighbours) -> None:
    async with taught(database, neighbours, falls_silent("Cells ")) as (school, _):
        ada = school.student()
        session = await ada.starts()
        async with ada.streams(session, "What is a cell?") as stream:
            assert [(await anext(stream)).name for _ in range(2)] == ["message", "token"]
    async with School.open(database, neighbours) as school:
        ada.client = school.client(neighbours.token(ada.id))
        stored = (await ada.messages(session))[-1]
        assert (stored["status"], stored["error"]["type"]) == ("failed", Interrupted.type)
        assert (await ada.client.post(f"/chat/messages/{stored['id']}/retry")).status_code == 201


async def test_answer_of_a_killed_process_is_marked_by_the_sweep_and_by_the_next_question(
    database: Database, neighbours: Neighbours
) -> None:
    async with School.open(database, neighbours, lease_seconds=60) as school:
        ada = school.student()
        sessions = [await ada.starts() for _ in range(2)]
        for session in sessions:
            await ada.asks(session, "What is a cell?")
        async with database.transaction() as transaction:
            await transaction.execute(
                text(
                    "UPDATE message SET status = 'answering', lease = gen_random_uuid(), lease_until = now() + interval '20 seconds'"
                    " WHERE role = 'tutor'"
                )
            )
        upkeep = Upkeep(database, school.clock, 5)
        assert await upkeep.mark_interrupted() == 0
        assert (await ada.asks(sessions[0], "And a plant?")).status_code == 409
        school.ahead = timedelta(seconds=30)
        assert (await ada.asks(sessions[0], "And a plant?")).status_code == 201
        assert await upkeep.mark_interrupted() == 1
        for session in sessions:
            stored = (await ada.messages(session))[1]
            assert (stored["status"], stored["error"]["type"]) == ("failed", "answer-interrupted")
            assert (await ada.client.post(f"/chat/messages/{stored['id']}/retry")).status_code == 201


async def test_session_that_is_deleted_ends_its_answer(database: Database, neighbours: Neighbours) -> None:
    gate = asyncio.Event()
    script = says("Cells ", "divide.", gate=gate, after=1)
    async with taught(database, neighbours, script) as (school, _):
        ada = school.student()
        session = await ada.starts()
        async with ada.streams(session, "What is a cell?") as stream:
            assert (await anext(stream)).name == "message"
            assert (await ada.client.delete(f"/chat/sessions/{session['id']}")).status_code == 204
            gate.set()
            assert [happening async for happening in stream][-1].data["type"].endswith("answer-superseded")
    async with database.transaction() as transaction:
        assert (await transaction.execute(text("SELECT count(*) FROM message"))).scalar_one() == 0


async def test_lost_lease_ends_an_answer(database: Database, neighbours: Neighbours) -> None:
    script = falls_silent("Cells ")
    async with taught(database, neighbours, script, lease_seconds=0.3) as (school, _):
        ada = school.student()
        session = await ada.starts()
        async with ada.streams(session, "What is a cell?") as stream:
            assert (await anext(stream)).name == "message"
            async with database.transaction() as transaction:
                await transaction.execute(text("UPDATE message SET lease = gen_random_uuid() WHERE role = 'tutor'"))
            assert [happening async for happening in stream][-1].name == "error"


async def test_lease_is_held_while_the_answer_is_written(database: Database, neighbours: Neighbours) -> None:
    gate = asyncio.Event()
    script = says("Cells ", "divide.", gate=gate, after=1)
    async with taught(database, neighbours, script, lease_seconds=0.3) as (school, _):
        ada = school.student()
        session = await ada.starts()
        async with ada.streams(session, "What is a cell?") as stream:
            assert (await anext(stream)).name == "message"
            leases: set[datetime] = set()
            async with asyncio.timeout(10):
                while len(leases) < 4:
                    async with database.transaction() as transaction:
                        leases.add(
                            (await transaction.execute(text("SELECT max(lease_until) FROM message"))).scalar_one()
                        )
            gate.set()
            assert [happening async for happening in stream][-1].name == "done"


async def test_more_answers_than_there_is_room_for_are_refused_before_they_are_kept(
    database: Database, neighbours: Neighbours
) -> None:
    async with School.open(database, neighbours, answers_at_once=1) as school:
        ada, bob = school.student(), school.student()
        theirs, mine = await bob.starts(), await ada.starts()
        neighbours.gate = asyncio.Event()
        first = asyncio.create_task(ada.asks(mine, "What is a cell?"))
        await neighbours.searched.wait()
        refused = await bob.asks(theirs, "What is a cell?")
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert await bob.messages(theirs) == []
        neighbours.gate.set()
        assert (await first).status_code == 201


async def test_answer_that_takes_too_long_fails(database: Database, neighbours: Neighbours) -> None:
    endless = says(*["more "] * 100_000)
    # An answer is never given less time than its beginning.
    limits = {"llm_first_seconds": 2.0, "llm_answer_seconds": 2.0}
    async with taught(database, neighbours, endless, opening_seconds=0.01, **limits) as (school, _):
        ada = school.student()
        session = await ada.starts()
        heard = await ada.hears(session, "What is a cell?")
    assert [happening.name for happening in heard[-2:]] == ["token", "error"]


async def test_answer_is_stored_when_the_database_comes_back(
    database: Database, neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = 3

    async def complete(self: Conversation, *arguments: Any) -> Message:
        nonlocal away
        if away:
            away -= 1
            raise DatabaseAway("The database is away.")
        return await whole(self, *arguments)

    whole = Conversation.complete
    monkeypatch.setattr(Conversation, "complete", complete)
    monkeypatch.setattr(answering, "_STORING_WAITS", (0.01,) * 3)
    async with School.open(database, neighbours) as school:
        ada = school.student()
        session = await ada.starts()
        assert (await ada.asks(session, "What is a cell?")).status_code == 201
        away = 99
        failed = await ada.asks(session, "What is a cell?")
        assert failed.status_code == 503
        assert "could not be stored" in failed.json()["detail"]
        away = 0
        assert (await ada.client.post(f"/chat/messages/{failed.json()['message_id']}/retry")).status_code == 201


async def test_mistake_of_ours_is_stored_and_answered_without_internals(
    database: Database, neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OfflineTutor, "draft", None)
    async with School.open(database, neighbours) as school:
        ada = school.student()
        session = await ada.starts()
        failed = await ada.asks(session, "What is a cell?")
        assert failed.status_code == 503
        assert "NoneType" not in failed.text
        assert (await ada.messages(session))[-1]["error"]["type"] == "answer-failed"
