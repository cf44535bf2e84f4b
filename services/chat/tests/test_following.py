"""Streams survive: an answer is followed from anywhere, also from a process that does not write it, without a gap or a repetition."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from chassis.database import Database
from chat import following, trails
from chat.conversation import Conversation
from devstack.servers import Redis as RedisServer
from redis.asyncio import Redis

from .builders import passage
from .neighbours import Neighbours
from .provider import Script, falls_silent, muses, provider, refuses, says
from .school import EVENTS, Happening, Json, School, Student, happenings

CELLS = "The cell is the smallest unit that is alive. Cells divide because a large cell cannot feed itself."
WORDS = [f"Zelle {number} 🧬 teilt sich. " for number in range(120)]


@pytest.fixture(autouse=True)
def material(neighbours: Neighbours) -> None:
    neighbours.passages = [passage(CELLS, page=7, title="Biology")]


@asynccontextmanager
async def two_processes(
    database: Database, neighbours: Neighbours, *scripts: Script, **settings: Any
) -> AsyncIterator[tuple[School, School]]:
    """Two processes of chat with the same database, Redis and model."""
    settings = {"llm_retries": 0, "llm_model": "m", "llm_api_key": "k"} | settings
    async with (
        provider(*scripts) as model,
        School.open(database, neighbours, llm_base_url=model.url, **settings) as one,
        School.open(database, neighbours, llm_base_url=model.url, **settings) as other,
    ):
        yield one, other


def expect_whole(heard: list[Happening], answer: Json) -> None:
    """Every event once and in order, and the text is the answer's."""
    attempt = answer["attempts"]
    assert [h.id for h in heard] == [f"{answer['id']}.{attempt}.{number}" for number in range(1, len(heard) + 1)]
    assert [heard[0].name, heard[-2].name, heard[-1].name] == ["message", "citations", "done"]
    assert "".join(h.data["text"] for h in heard if h.name == "token") == answer["content"]
    assert heard[-1].data == answer


async def hear_with_cuts(students: list[Student], message_id: str, random: Random) -> list[Happening]:
    """Follow an answer, losing the connection again and again, and reconnecting to any of the processes."""
    heard: list[Happening] = []
    while not heard or heard[-1].name != "done":
        left = random.choice([0, 1, 1, 2, 5, 20, 60])
        async with random.choice(students).follows(message_id, heard[-1].id if heard else None) as stream:
            async for happening in stream:
                heard.append(happening)
                left -= 1
                if left <= 0:
                    break
    return heard


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_readers_who_are_cut_off_anywhere_hear_everything_once(
    database: Database, neighbours: Neighbours, seed: int
) -> None:
    async with two_processes(database, neighbours, muses(*WORDS)) as (one, other):
        ada = one.student()
        tabs = [ada, other.student(ada.id)]
        session = await ada.starts()
        asking = asyncio.create_task(ada.asks(session, "What is a cell?"))
        message_id = await ada.awaits_answer(session)
        heard = await asyncio.gather(
            *(hear_with_cuts(tabs, message_id, Random(f"{seed} {reader}")) for reader in range(6))
        )
        answer = (await asking).json()
        late = await hear_with_cuts(tabs, message_id, Random(seed))
    for each in (*heard, late):
        expect_whole(each, answer)


async def test_reader_in_another_process_hears_each_word_before_the_answer_is_whole(
    database: Database, neighbours: Neighbours
) -> None:
    gate = asyncio.Event()
    script = says("Cells ", "divide ", "[1].", gate=gate, after=2)
    async with two_processes(database, neighbours, script) as (one, other):
        ada = one.student()
        session = await ada.starts()
        asking = asyncio.create_task(ada.asks(session, "What do cells do?"))
        message_id = await ada.awaits_answer(session)
        async with other.student(ada.id).follows(message_id) as stream:
            early = [await anext(stream) for _ in range(3)]
            gate.set()
            heard = [*early, *[happening async for happening in stream]]
        answer = (await asking).json()
    assert [happening.data.get("text") for happening in early] == [None, "Cells", " divide"]
    assert len(heard[-2].data["citations"]) == 1
    expect_whole(heard, answer)


async def test_finished_answer_is_told_from_its_row_with_the_ids_that_it_had(
    database: Database, neighbours: Neighbours
) -> None:
    async with two_processes(database, neighbours, says("Cells ", "divide ", "[1].")) as (one, other):
        ada = one.student()
        heard = await ada.hears(await ada.starts(), "What do cells do?")
        async with Redis.from_url(neighbours.redis_url) as redis:
            await redis.flushdb()
        elsewhere = other.student(ada.id)
        message_id = heard[-1].data["id"]
        for after in range(len(heard)):
            async with elsewhere.follows(message_id, heard[after - 1].id if after else None) as stream:
                assert [happening async for happening in stream] == heard[after:]
        path = f"/chat/messages/{message_id}/stream"
        nothing = await elsewhere.client.get(path, headers={"Last-Event-ID": heard[-1].id})
        assert (nothing.status_code, nothing.content) == (204, b"")


@pytest.mark.parametrize(
    "last", ["", "x", "1.2.3", f"{UUID(int=1)}.1.3", "%s.1.-4", "%s.7.2", "%s.x.y", "💥", "a" * 90]
)
async def test_place_that_is_none_of_this_answer_begins_anew(school: School, last: str) -> None:
    ada = school.student()
    heard = await ada.hears(await ada.starts(), "What is a cell?")
    message_id = heard[-1].data["id"]
    headers = {b"Last-Event-ID": (last % message_id if "%s" in last else last).encode()}
    answer = await ada.client.get(f"/chat/messages/{message_id}/stream", headers=headers)
    assert answer.text.count("event: ") == len(heard)
    assert answer.text.startswith(f"id: {message_id}.1.1\n")


async def test_another_students_answer_is_not_there(school: School) -> None:
    ada, bob = school.student(), school.student()
    answer = (await ada.asks(await ada.starts(), "What is a cell?")).json()
    for path in (f"/chat/messages/{answer['id']}/stream", f"/chat/messages/{answer['id']}"):
        refused = await bob.client.get(path)
        assert refused.status_code == 404
        assert refused.json()["type"].endswith("message-not-found")
        assert (await school.client().get(path)).status_code == 401
    assert (await ada.client.get(f"/chat/messages/{answer['reply_to']}")).json() == answer


async def test_retry_makes_old_ids_begin_anew(database: Database, neighbours: Neighbours) -> None:
    scripts = (falls_silent("Old "), says("New ", "answer."))
    async with two_processes(database, neighbours, *scripts, llm_pause_seconds=0.5) as (one, other):
        ada = one.student()
        old = await ada.hears(await ada.starts(), "What is a cell?")
        message_id = old[0].data["id"]
        assert old[-1].name == "error"
        elsewhere = other.student(ada.id)
        async with elsewhere.follows(message_id, old[1].id) as stream:
            (error,) = [happening async for happening in stream]
        assert (error.id, error.name) == (f"{message_id}.1.3", "error")
        assert error.data["type"] == old[-1].data["type"]
        assert error.data["message_id"] == message_id
        answer = (await ada.client.post(f"/chat/messages/{message_id}/retry")).json()
        async with elsewhere.follows(message_id, old[-1].id) as stream:
            expect_whole([happening async for happening in stream], answer)


async def test_reader_of_an_answer_that_is_taken_up_again_goes_over_to_the_new_attempt(
    database: Database, neighbours: Neighbours
) -> None:
    scripts = (falls_silent("Old "), says("New ", "answer."))
    async with two_processes(database, neighbours, *scripts, lease_seconds=60) as (one, other):
        ada = one.student()
        session = await ada.starts()
        asking = asyncio.create_task(ada.asks(session, "What is a cell?"))
        message_id = await ada.awaits_answer(session)
        elsewhere = other.student(ada.id)
        async with elsewhere.follows(message_id) as stream:
            assert [(await anext(stream)).name for _ in range(2)] == ["message", "token"]
            async with School.open(database, neighbours) as later:
                later.ahead = timedelta(seconds=90)  # the lease has run out there
                retried = await later.student(ada.id).client.post(f"/chat/messages/{message_id}/retry")
                assert retried.status_code == 201
            heard = [happening async for happening in stream]
        asking.cancel()
    expect_whole(heard, retried.json())


@pytest.mark.parametrize("stream", [False, True])
async def test_repetition_that_meets_another_process_gets_its_answer(
    database: Database, neighbours: Neighbours, stream: bool
) -> None:
    gate = asyncio.Event()
    async with two_processes(database, neighbours, says("Cells ", "divide.", gate=gate, after=1)) as (one, other):
        ada = one.student()
        session, key = await ada.starts(), {"Idempotency-Key": "k"}
        asking = asyncio.create_task(ada.asks(session, "What?", **key))
        await ada.awaits_answer(session)
        elsewhere = other.student(ada.id)
        if stream:
            async with elsewhere.streams(session, "What?", **key) as told:
                heard = [await anext(told) for _ in range(2)]
                gate.set()
                heard += [happening async for happening in told]
            expect_whole(heard, (await asking).json())
        else:
            again = asyncio.create_task(elsewhere.asks(session, "What?", **key))
            gate.set()
            assert (await again).status_code == 201
            assert (await again).json() == (await asking).json()
        assert len(await ada.messages(session)) == 2


async def test_repetition_that_meets_a_failure_elsewhere_tries_again(
    database: Database, neighbours: Neighbours
) -> None:
    neighbours.gate = asyncio.Event()
    async with two_processes(database, neighbours, refuses(500), says("Cells.")) as (one, other):
        ada = one.student()
        session, key = await ada.starts(), {"Idempotency-Key": "k"}
        asking = asyncio.create_task(ada.asks(session, "What?", **key))
        await ada.awaits_answer(session)
        again = asyncio.create_task(other.student(ada.id).asks(session, "What?", **key))
        neighbours.gate.set()
        assert (await asking).status_code == 503
        assert (await again).json()["content"].startswith("Cells.")


async def test_deleted_session_ends_a_stream_elsewhere(database: Database, neighbours: Neighbours) -> None:
    async with two_processes(database, neighbours, falls_silent("Cells ")) as (one, other):
        ada = one.student()
        session = await ada.starts()
        asking = asyncio.create_task(ada.asks(session, "What?"))
        message_id = await ada.awaits_answer(session)
        async with other.student(ada.id).follows(message_id) as stream:
            assert (await anext(stream)).name == "message"
            await ada.client.delete(f"/chat/sessions/{session['id']}")
            last = [happening async for happening in stream][-1]
        assert last.data["type"].endswith("answer-superseded")
        assert (await asking).status_code == 409


async def test_trail_that_redis_lost_in_the_middle_is_laid_anew(database: Database, neighbours: Neighbours) -> None:
    gate = asyncio.Event()
    script = says("Cells ", "divide ", "often.", gate=gate, after=2)
    async with two_processes(database, neighbours, script) as (one, other):
        ada = one.student()
        session = await ada.starts()
        asking = asyncio.create_task(ada.asks(session, "What?"))
        message_id = await ada.awaits_answer(session)
        elsewhere = other.student(ada.id)
        async with elsewhere.follows(message_id) as stream:
            early = [await anext(stream) for _ in range(3)]
        async with Redis.from_url(neighbours.redis_url) as redis:
            await redis.flushdb()
        async with elsewhere.follows(message_id, early[1].id) as stream:
            gate.set()
            heard = [*early[:2], *[happening async for happening in stream]]
        expect_whole(heard, (await asking).json())


async def test_without_redis_answers_go_on_and_readers_elsewhere_get_the_whole_at_its_end(
    database: Database, neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trails, "_BLOCK", 0.05)
    neighbours.redis_url = "redis://127.0.0.1:9/0"
    gate = asyncio.Event()
    async with two_processes(database, neighbours, says("Cells ", "divide.", gate=gate, after=1)) as (one, other):
        ada = one.student()
        session = await ada.starts()
        async with ada.streams(session, "What?") as stream:
            told = [await anext(stream) for _ in range(2)]
            async with other.student(ada.id).follows(told[0].data["id"]) as elsewhere:
                first = await anext(elsewhere)
                gate.set()
                heard = [first, *[happening async for happening in elsewhere]]
            told += [happening async for happening in stream]
    assert told == heard


@pytest.mark.faults
async def test_redis_that_dies_in_the_middle_costs_nobody_a_word(
    database: Database, neighbours: Neighbours, redis: RedisServer
) -> None:
    gate = asyncio.Event()
    script = says("Cells ", "divide ", "often.", gate=gate, after=2)
    async with two_processes(database, neighbours, script) as (one, other):
        ada = one.student()
        session = await ada.starts()
        async with ada.streams(session, "What?") as stream:
            told = [await anext(stream) for _ in range(2)]
            async with other.student(ada.id).follows(told[0].data["id"]) as elsewhere:
                heard = [await anext(elsewhere) for _ in range(2)]
                await asyncio.to_thread(redis.kill)
                gate.set()
                told += [happening async for happening in stream]
                heard += [happening async for happening in elsewhere]
        expect_whole(told, told[-1].data)
        assert heard == told


async def test_answer_whose_end_could_not_be_stored_is_interrupted_for_readers_elsewhere(
    database: Database, neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(following, "_AGAIN", 0.05)
    monkeypatch.setattr("chat.answering._STORING_WAITS", (0.01,))
    monkeypatch.setattr(Conversation, "complete", broken)
    monkeypatch.setattr(Conversation, "fail", broken)
    async with two_processes(database, neighbours, says("Cells ", "divide."), lease_seconds=1) as (one, other):
        ada = one.student()
        session = await ada.starts()
        async with ada.streams(session, "What?") as stream:
            message_id = (await anext(stream)).data["id"]
            async with other.student(ada.id).follows(message_id) as elsewhere:
                heard = [happening async for happening in elsewhere]
        assert {h.name for h in heard[1:-1]} == {"token"}
        assert (heard[-1].id, heard[-1].name) == (f"{message_id}.1.{len(heard)}", "error")
        assert heard[-1].data["type"].endswith("answer-interrupted")


async def test_question_is_announced_to_the_students_other_tabs(
    database: Database, neighbours: Neighbours, announced: list[Json]
) -> None:
    async with School.open(database, neighbours) as school:
        ada = school.student()
        session = await ada.starts()
        async with ada.client.stream(
            "POST", f"/chat/sessions/{session['id']}/messages", json={"content": "What is a cell?"}, headers=EVENTS
        ) as response:
            ids = (await anext(happenings(response))).data
    assert announced == [
        {
            "message_id": ids["id"],
            "session_id": session["id"],
            "question_id": ids["question_id"],
            "user_id": str(ada.id),
            "attempt": 1,
            "version": 0,
        }
    ]
