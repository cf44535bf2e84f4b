"""Streams over a WebSocket: who opens it, what is told, how it ends, and what clients cannot do with it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from chassis.database import Database
from chassis.service import Process
from chat.app import compose
from chat.settings import Settings
from contracts.auth import SessionRevoked
from devstack.line import Line
from mesh import EphemeralEvent, EphemeralPublisher
from prometheus_client import REGISTRY
from websockets.asyncio.client import connect

from .builders import passage
from .graphql_socket import TRANSPORT, Socket, expect_whole, opened, signed_in, ticket
from .neighbours import Neighbours
from .provider import falls_silent, muses, provider, says
from .school import Json, School
from .test_followed import left_alone, was_followed

CELLS = "The cell is the smallest unit that is alive. Cells divide because a large cell cannot feed itself."
EVENT = """{ __typename eventId ... on AnswerBegun { messageId sessionId questionId attempt } ... on AnswerToken { text }
    ... on AnswerCitations { citations { marker page } } ... on AnswerDone { message { id content status attempts } }
    ... on AnswerFailed { type detail messageId } }"""
ASK = f"subscription($session: ID!, $message: String!) {{ chat(sessionId: $session, message: $message) {EVENT} }}"
FOLLOW = f"subscription($id: ID!, $last: String) {{ answer(messageId: $id, lastEventId: $last) {EVENT} }}"
MODEL: Json = {"llm_retries": 0, "llm_model": "m", "llm_api_key": "k"}


@pytest.fixture(autouse=True)
def material(neighbours: Neighbours) -> None:
    neighbours.passages = [passage(CELLS, page=7, title="Biology")]


async def test_question_is_answered_word_by_word(database: Database, neighbours: Neighbours) -> None:
    script = muses(*[f"Cells {n} " for n in range(30)], "divide [1].")
    async with provider(script) as model, School.open(database, neighbours, llm_base_url=model.url, **MODEL) as school:
        ada = school.student()
        session = await ada.starts()
        async with signed_in(school, ada) as socket:
            told = await socket.tells(ASK, session=session["id"], message="What do cells do?")
        answer = (await ada.messages(session))[-1]
    assert len(told) > 10
    assert told[-2]["citations"] == [{"marker": 1, "page": 7}]
    expect_whole(told, answer)


@pytest.mark.parametrize("leaves", [False, True])
async def test_mesh_is_told_whether_a_subscriber_saw_the_answer_come(
    database: Database, neighbours: Neighbours, leaves: bool
) -> None:
    gate = asyncio.Event()
    script = says("Cells ", "divide ", "[1].", gate=gate, after=2)
    async with provider(script) as model, School.open(database, neighbours, llm_base_url=model.url, **MODEL) as school:
        ada = school.student()
        session = await ada.starts()
        async with signed_in(school, ada) as socket:
            await socket.begins(ASK, session=session["id"], message="What do cells do?")
            live = school.state.answers.live(UUID(await ada.awaits_answer(session)))
            await socket.hears()
            await socket.begins(FOLLOW, "2", id=str(live.asked.answer_id))
            while (await socket.hears())["id"] != "2":
                pass
            for identity in ("1", "2") if leaves else ("2",):
                assert live.is_followed
                await socket.sends("complete", id=identity)
            if leaves:
                await left_alone(live)
            gate.set()
            await school.until_answered(ada, session)
        assert await was_followed(school) is not leaves


async def test_answer_is_followed_from_where_it_was_left_also_in_another_process(
    database: Database, neighbours: Neighbours
) -> None:
    script = muses(*[f"Cells {n} " for n in range(40)])
    async with (
        provider(script) as model,
        School.open(database, neighbours, llm_base_url=model.url, **MODEL) as one,
        School.open(database, neighbours, llm_base_url=model.url, **MODEL) as other,
    ):
        ada = one.student()
        session = await ada.starts()
        async with signed_in(one, ada) as socket:
            await socket.begins(ASK, session=session["id"], message="What do cells do?")
            events = socket.events()
            told = [await anext(events) for _ in range(3)]
        async with signed_in(other, ada) as socket:
            told += await socket.tells(FOLLOW, id=told[0]["messageId"], last=told[-1]["eventId"])
        async with signed_in(other, ada) as socket:
            again = await socket.tells(FOLLOW, id=told[0]["questionId"])
        answer = (await ada.messages(session))[-1]
    expect_whole(told, answer)
    assert again == told


async def test_failure_is_an_event_and_a_refusal_is_an_error(database: Database, neighbours: Neighbours) -> None:
    settings = MODEL | {"llm_pause_seconds": 0.5}
    async with (
        provider(falls_silent("Cells ")) as model,
        School.open(database, neighbours, llm_base_url=model.url, **settings) as school,
    ):
        ada, bob = school.student(), school.student()
        session = await ada.starts()
        async with signed_in(school, ada) as socket:
            told = await socket.tells(ASK, session=session["id"], message="What do cells do?")
            assert (told[-1]["__typename"], told[-1]["messageId"]) == ("AnswerFailed", told[0]["messageId"])
            assert told[-1]["type"].endswith("model-broke-off")
            assert await socket.refused(ASK, session=session["id"], message="") == "invalid-request"
            assert await socket.refused(ASK, session=str(uuid4()), message="What?") == "session-not-found"
        async with signed_in(school, bob) as socket:
            assert await socket.refused(ASK, session=session["id"], message="What?") == "session-not-found"
            assert await socket.refused(FOLLOW, id=told[0]["messageId"]) == "message-not-found"
            for query in ("{" * 1000, "subscription { nothing }", "subscription {", "{ a }" * 2):
                assert await socket.refused(query) in ("query-refused", "invalid-query")


async def test_ticket_opens_one_socket_and_nothing_else_does(school: School) -> None:
    ada = school.student()
    used = await ticket(school, ada)
    token = ada.client.headers["authorization"]
    async with opened(school, ticket=used) as socket:
        assert (await socket.hears())["type"] == "connection_ack"
        for payload in (
            {"ticket": used},
            {},
            {"ticket": 5},
            {"ticket": None},
            {"ticket": token},
            {"Authorization": token},
        ):
            async with opened(school, **payload) as other:
                assert await other.closed() == (4403, "Forbidden")
    url = school.url.replace("http", "ws") + "/graphql"
    async with connect(url, subprotocols=TRANSPORT) as connection:
        await Socket(connection).begins("{ sessions { items { id } } }")
        assert await Socket(connection).closed() == (4401, "Unauthorized")
    async with connect(url) as connection:
        assert (await Socket(connection).closed())[0] == 4406


@pytest.mark.parametrize(
    "frame",
    [
        "x",
        "[" * 100_000,
        "[]",
        "5",
        "{}",
        '{"type": 1}',
        '{"type": "subscribe", "id": [], "payload": {"query": "{ a }"}}',
        '{"type": "subscribe", "id": "1", "payload": []}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}}',
        '{"type": "complete", "id": {}}',
        b"binary",
    ],
)
async def test_what_is_no_message_closes_the_socket_and_nothing_else(school: School, frame: str | bytes) -> None:
    ada = school.student()
    async with signed_in(school, ada) as socket:
        await socket.connection.send(frame)
        assert (await socket.closed())[0] == 4400
    assert (await ada.client.get("/chat/sessions")).status_code == 200


async def test_client_that_says_nothing_is_sent_away(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(school.state.graphql_sockets, "connection_init_wait_timeout", timedelta(seconds=0.1))
    async with connect(school.url.replace("http", "ws") + "/graphql", subprotocols=TRANSPORT) as connection:
        assert (await Socket(connection).closed())[0] == 4408


async def test_operations_and_sockets_of_one_student_are_bounded(database: Database, neighbours: Neighbours) -> None:
    async with School.open(database, neighbours, socket_operations=3, sockets_per_user=2) as school:
        ada, bob = school.student(), school.student()
        async with signed_in(school, ada) as one, signed_in(school, ada) as two:
            async with opened(school, ticket=await ticket(school, ada)) as third:
                assert await third.closed() == (4403, "Forbidden")
            kinds = [await socket.refused("{ nothing }") for socket in (one, two, one, two)]
            assert kinds == ["invalid-query"] * 3 + ["too-many-operations"]
        async with signed_in(school, bob) as socket:
            assert await socket.refused("{ nothing }") == "invalid-query"


async def test_subscriptions_at_once_are_bounded(database: Database, neighbours: Neighbours) -> None:
    async with (
        provider(falls_silent("Cells ")) as model,
        School.open(database, neighbours, llm_base_url=model.url, socket_operations=100, **MODEL) as school,
    ):
        ada = school.student()
        session = await ada.starts()
        async with signed_in(school, ada) as socket:
            await socket.begins(ASK, session=session["id"], message="What?")
            first = (await socket.hears())["payload"]["data"]["chat"]
            for number in range(2, 12):
                await socket.begins(FOLLOW, str(number), id=first["messageId"])
            while (message := await socket.hears())["type"] != "error":
                assert message["type"] == "next"
            assert message["id"] == "11"


async def test_leaving_does_not_cancel_the_answer_and_lets_go_of_everything(
    database: Database, neighbours: Neighbours
) -> None:
    gate = asyncio.Event()
    script = says("Cells ", "divide.", gate=gate, after=1)
    async with provider(script) as model, School.open(database, neighbours, llm_base_url=model.url, **MODEL) as school:
        ada = school.student()
        session = await ada.starts()
        async with signed_in(school, ada) as socket:
            await socket.begins(ASK, session=session["id"], message="What?")
            assert (await socket.hears())["type"] == "next"
        async with signed_in(school, ada) as socket:
            await socket.begins(FOLLOW, id=(await ada.messages(session))[-1]["id"])
            assert (await socket.hears())["type"] == "next"
            await socket.sends("complete", id="1")
            await socket.sends("ping")
            while (await socket.hears())["type"] != "pong":
                pass
        gate.set()
        assert (await school.until_answered(ada, session))["content"].startswith("Cells divide.")
        async with asyncio.timeout(10):
            while True:
                if not school.state.graphql_sockets.sockets._open:
                    break
                await asyncio.sleep(0.01)


async def test_socket_ends_with_its_token(database: Database, neighbours: Neighbours) -> None:
    async with School.open(database, neighbours) as school:
        ada = school.student()
        school.ahead = timedelta(minutes=59, seconds=58)  # the token has an hour
        async with signed_in(school, ada) as socket:
            assert await socket.closed() == (4403, "token-expired")


@asynccontextmanager
async def served(database: Database, neighbours: Neighbours, amqp_url: str) -> AsyncIterator[tuple[Process, str]]:
    """A process as `python -m chat api` serves it, with what it hears of the mesh."""
    settings = Settings(
        environment="test",
        database_url=database.url,
        auth_url=neighbours.url,
        ingestion_url=neighbours.url,
        redis_url=neighbours.redis_url,
        amqp_url=amqp_url,
        shutdown_grace_seconds=4.0,
    )
    stop = asyncio.Event()
    async with compose(settings) as process:
        assert process.server is not None
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(process.server(listener, stop, 4.0))
        try:
            yield process, url
        finally:
            stop.set()
            await serving


class Revoked(EphemeralEvent, SessionRevoked, type="auth.session.revoked", version=1, aggregate="session_id"):
    """As auth says it, without auth's outbox."""


def ended_now(user_id: UUID, session_id: UUID) -> Revoked:
    expire = datetime.now(UTC) + timedelta(minutes=5)
    return Revoked(version=1, session_id=session_id, user_id=user_id, reason="logout", tokens_expire_at=expire)


async def test_socket_ends_with_its_session_and_opens_no_more(
    database: Database, neighbours: Neighbours, amqp_url: str
) -> None:
    async with served(database, neighbours, amqp_url) as (process, url):
        school = School(url, database, neighbours, state=process.app.state)  # type: ignore[union-attr]  # it has one
        ada, bob = school.student(sid=str(UUID(int=7))), school.student()
        async with (
            EphemeralPublisher("auth", amqp_url) as auth,
            signed_in(school, ada) as mine,
            signed_in(school, bob) as other,
        ):
            revoked = ended_now(ada.id, UUID(int=7))
            ending = asyncio.create_task(mine.closed())
            async with asyncio.timeout(20):
                while not ending.done():  # until the process listens
                    await auth.publish(revoked)
                    await asyncio.sleep(0.05)
            assert await ending == (4403, "session-ended")
            await other.sends("ping")
            assert (await other.hears())["type"] == "pong"
            async with opened(school, ticket=await ticket(school, ada)) as again:
                assert await again.closed() == (4403, "Forbidden")
        for client in school.clients:
            await client.aclose()


async def test_session_that_ended_while_the_broker_was_away_loses_its_sockets(
    database: Database, neighbours: Neighbours, amqp_url: str
) -> None:
    line = Line(amqp_url)
    await line.up()
    async with served(database, neighbours, line.url) as (process, url):
        school = School(url, database, neighbours, state=process.app.state)  # type: ignore[union-attr]  # it has one
        ada, bob = school.student(sid=str(UUID(int=7))), school.student()
        unused = await ticket(school, ada)
        async with signed_in(school, ada) as mine, signed_in(school, bob) as other:
            async with asyncio.timeout(20):
                while REGISTRY.get_sample_value("mesh_consumer_ready", {"service": "chat pushes"}) != 1:  # noqa: ASYNC110 (only the metric tells)
                    await asyncio.sleep(0.05)
            await line.down()
            neighbours.revoked.append(UUID(int=7))
            await line.up()
            assert await mine.closed() == (4403, "session-ended")
            await other.sends("ping")
            assert (await other.hears())["type"] == "pong"
            async with opened(school, ticket=unused) as again:
                assert await again.closed() == (4403, "Forbidden")
        for client in school.clients:
            await client.aclose()
    await line.down()


async def test_sockets_end_though_auth_cannot_list_what_was_missed(
    database: Database, neighbours: Neighbours, amqp_url: str
) -> None:
    neighbours.lists_revoked = False
    neighbours.revoked.append(UUID(int=8))
    async with served(database, neighbours, amqp_url) as (process, url):
        school = School(url, database, neighbours, state=process.app.state)  # type: ignore[union-attr]  # it has one
        ada, bob = school.student(sid=str(UUID(int=7))), school.student(sid=str(UUID(int=8)))
        async with signed_in(school, ada) as mine, signed_in(school, bob) as other:
            async with asyncio.timeout(20):
                while REGISTRY.get_sample_value("mesh_consumer_ready", {"service": "chat pushes"}) != 1:  # noqa: ASYNC110 (only the metric tells)
                    await asyncio.sleep(0.05)
            ended = ended_now(ada.id, UUID(int=7))
            async with EphemeralPublisher("auth", amqp_url) as auth:
                ending = asyncio.create_task(mine.closed())
                async with asyncio.timeout(20):
                    while not ending.done():  # until the publisher is connected
                        await auth.publish(ended)
                        await asyncio.sleep(0.05)
            assert await ending == (4403, "session-ended")
            await other.sends("ping")
            assert (await other.hears())["type"] == "pong"
            neighbours.lists_revoked = True
            assert await other.closed() == (4403, "session-ended")
        for client in school.clients:
            await client.aclose()


async def test_client_that_does_not_read_holds_nobody_up(database: Database, neighbours: Neighbours) -> None:
    words = [f"{'cell ' * 400}{n} " for n in range(400)]  # more than the buffers between hold
    async with (
        provider(muses(*words, pause=0)) as model,
        School.open(database, neighbours, llm_base_url=model.url, **MODEL) as school,
    ):
        ada = school.student()
        session = await ada.starts()
        async with connect(
            school.url.replace("http", "ws") + "/graphql", subprotocols=TRANSPORT, max_queue=1, compression=None
        ) as connection:
            slow = Socket(connection)
            await slow.sends("connection_init", payload={"ticket": await ticket(school, ada)})
            assert (await slow.hears())["type"] == "connection_ack"
            await slow.begins(ASK, session=session["id"], message="What?")
            async with signed_in(school, ada) as quick:
                message_id = await ada.awaits_answer(session)
                told = await quick.tells(FOLLOW, id=message_id)
            expect_whole(told, (await ada.messages(session))[-1])
            late = [event async for event in slow.events()]
            assert late == told


async def test_without_a_websocket_the_path_says_what_to_do(school: School) -> None:
    answer = await school.student().client.get("/graphql")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (426, "upgrade-required")


async def test_redis_that_is_away_opens_no_sockets(database: Database, neighbours: Neighbours) -> None:
    neighbours.redis_url = "redis://127.0.0.1:9/0"
    async with School.open(database, neighbours) as school, opened(school, ticket="x") as socket:
        assert await socket.closed() == (4403, "Forbidden")
