"""Whether an answer was followed: the mesh is told who saw it come, so that nobody is notified of what was read."""

import asyncio
from uuid import UUID

import pytest
from chassis.database import Database
from chat.live_answers import LiveAnswer
from devstack.waiting import until

from .neighbours import Neighbours
from .provider import says
from .school import School
from .test_following import material, two_processes

__all__ = ["material"]  # a fixture of every test here, too


async def was_followed(school: School) -> bool:
    kind, event = (await school.events())[-1]
    assert kind == "chat.message.answered.v1"
    return bool(event["followed"])


async def test_mesh_is_told_whether_a_reader_saw_the_answer_come(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    for _ in range(5):
        await ada.hears(session, "What is a cell?")
        assert await was_followed(school)
        await ada.asks(session, "What is a cell?")
        assert await was_followed(school)


async def left_alone(live: LiveAnswer) -> None:
    async def nobody_follows() -> bool:
        return not live.is_followed

    await until(nobody_follows, 10)


@pytest.mark.parametrize("comes_back", [False, True])
async def test_reader_who_leaves_before_the_end_has_not_followed_unless_back_by_then(
    database: Database, neighbours: Neighbours, comes_back: bool
) -> None:
    gate = asyncio.Event()
    script = says("Cells ", "divide ", "[1].", gate=gate, after=2)
    async with two_processes(database, neighbours, script) as (school, _):
        ada = school.student()
        session = await ada.starts()
        async with ada.streams(session, "What do cells do?") as stream:
            message_id = (await anext(stream)).data["id"]
        await left_alone(school.state.answers.live(UUID(message_id)))
        if comes_back:
            async with ada.follows(message_id) as stream:
                await anext(stream)
                gate.set()
                assert [happening.name async for happening in stream][-1] == "done"
        gate.set()
        await school.until_answered(ada, session)
        assert await was_followed(school) is comes_back


@pytest.mark.parametrize("leaves", [False, True])
@pytest.mark.parametrize("graphql", [False, True])
async def test_who_waits_for_the_whole_is_a_reader_until_the_line_is_cut(
    database: Database, neighbours: Neighbours, graphql: bool, leaves: bool
) -> None:
    gate = asyncio.Event()
    script = says("Cells ", "divide ", "[1].", gate=gate, after=2)
    async with two_processes(database, neighbours, script) as (school, _):
        ada = school.student()
        session = await ada.starts()
        query = 'mutation($id: ID!) { chat(sessionId: $id, message: "What do cells do?") { answer { id } } }'
        body = {"query": query, "variables": {"id": session["id"]}}
        asks = ada.client.post("/graphql", json=body) if graphql else ada.asks(session, "What do cells do?")
        asking = asyncio.create_task(asks)
        answer_id = UUID(await ada.awaits_answer(session))

        async def attended() -> LiveAnswer | None:
            live: LiveAnswer | None = school.state.answers.live(answer_id)
            return live if live and live.is_followed else None

        live = await until(attended)
        if leaves:
            asking.cancel()
            await left_alone(live)
        gate.set()
        await school.until_answered(ada, session)
        assert await was_followed(school) is not leaves
