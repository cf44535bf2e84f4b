"""A session that ended: its tokens stop working and its streams end, with the broker and without it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import aio_pika
import httpx
import pytest
from contracts.auth import SessionRevoked
from devstack.servers import RabbitMQ
from gateway.revocations import Revocations
from mesh.envelope import CONTENT_TYPE, Envelope
from mesh.topology import EXCHANGE
from prometheus_client import REGISTRY
from starlette.types import Receive, Scope, Send

from .fakes import Running, answer, running, until
from .wire import Wire, connect, request


async def broadcast(amqp_url: str, session_id: UUID) -> None:
    """What auth's relay sends when a session ends."""
    event = SessionRevoked(
        version=2,
        session_id=session_id,
        user_id=uuid4(),
        reason="logout",
        tokens_expire_at=datetime.now(UTC) + timedelta(minutes=15),
    )
    envelope = Envelope(
        id=uuid4(),
        source="auth",
        type=event.routing_key,
        subject=event.aggregate_id,
        time=datetime.now(UTC),
        dataschema=event.dataschema,
        aggregate_version=2,
    )
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(EXCHANGE)
        message = aio_pika.Message(
            event.model_dump_json().encode(), headers=envelope.headers(), content_type=CONTENT_TYPE
        )
        await exchange.publish(message, event.routing_key)


@asynccontextmanager
async def listening(redis_url: str, amqp_url: str) -> AsyncIterator[Running]:
    """A gateway that hears from the broker."""
    async with running(redis_url, amqp_url=amqp_url) as gateway:
        await until(lambda: gateway.gateway.consumer.is_ready, 15)
        yield gateway


async def _becomes_unauthorized(http: httpx.AsyncClient, headers: dict[str, str], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while (await http.get("/api/v1/things", headers=headers)).status_code != 401:
            pass


async def _open_events(gateway: Running, wire: Wire, session_id: UUID) -> None:
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await receive()
        await receive()

    gateway.service.on("/events", endless)
    authorization = gateway.bearer(session_id=session_id)["Authorization"]
    await wire.send(request("GET", "/api/v1/events", f"Authorization: {authorization}"))
    assert (await wire.head()).headers["content-type"] == "text/event-stream"
    assert await wire.chunk() == b"data: 1\n\n"


async def test_a_revocation_ends_tokens_and_streams_within_a_second(redis_url: str, amqp_url: str) -> None:
    session_id, other = uuid4(), uuid4()
    async with (
        listening(redis_url, amqp_url) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as http,
        connect(gateway.port) as wire,
        connect(gateway.port) as unconcerned,
    ):
        headers = gateway.bearer(session_id=session_id)
        assert (await http.get("/api/v1/things", headers=headers)).status_code == 200
        await _open_events(gateway, wire, session_id)
        await _open_events(gateway, unconcerned, other)
        await broadcast(amqp_url, session_id)
        await _becomes_unauthorized(http, headers, 1.0)
        goodbye = (await wire.chunk()).decode()
        assert goodbye.startswith("event: error\ndata: ")
        assert json.loads(goodbye.partition("data: ")[2])["type"] == "urn:studyteddy:problem:session-ended"
        assert await wire.chunk() == b""
        assert len(gateway.gateway.edge.streams) == 1, "the other session's stream goes on"
        assert (await http.get("/api/v1/things", headers=gateway.bearer(session_id=other))).status_code == 200


async def test_what_was_revoked_before_the_gateway_started_is_known(redis_url: str) -> None:
    async with running(redis_url) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        session_id = uuid4()
        gateway.auth.revoke(session_id)
        await gateway.gateway.reader.read()
        response = await http.get("/api/v1/things", headers=gateway.bearer(session_id=session_id))
        assert (response.status_code, "ended" in response.json()["detail"]) == (401, True)


async def test_nobody_with_a_token_is_let_in_before_the_revocations_are_known(redis_url: str) -> None:
    async with running(redis_url, service_secret="wrong", wait=False) as gateway:
        gateway.auth.service.on("/internal/revocations", _unavailable)
        gateway.gateway.edge.revocations.loaded = False
        async with httpx.AsyncClient(base_url=gateway.url) as http:
            assert (await http.get("/api/v1/things", headers=gateway.bearer())).status_code == 503
            gateway.auth.service.on("/internal/revocations", gateway.auth._revocations)
            await until(lambda: gateway.gateway.edge.revocations.loaded)
            assert (await http.get("/api/v1/things", headers=gateway.bearer())).status_code == 200


async def _unavailable(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, b"", 503)


async def test_without_the_broker_the_list_is_read_every_few_seconds(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.revocations._READ_EVERY", 0.1)
    async with running(redis_url) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        session_id = uuid4()
        headers = gateway.bearer(session_id=session_id)
        assert (await http.get("/api/v1/things", headers=headers)).status_code == 200
        assert REGISTRY.get_sample_value("gateway_revocations_connected") == 0
        gateway.auth.revoke(session_id)
        await _becomes_unauthorized(http, headers, 3.0)


async def test_what_auth_says_in_an_answer_holds_at_once(gateway: Running) -> None:
    session_id = uuid4()
    expires = (datetime.now(UTC) + timedelta(minutes=15)).timestamp()

    async def log_out(scope: Scope, receive: Receive, send: Send) -> None:
        said = f"{session_id};{expires}, nonsense, {uuid4()};never".encode()
        await answer(send, b"", 204, (b"x-studyteddy-revoked", said))

    gateway.auth.service.on("/auth/logout", log_out)
    headers = gateway.bearer(session_id=session_id)
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers) as http:
        assert (await http.get("/api/v1/things")).status_code == 200
        left = await http.post("/api/v1/auth/logout")
        assert (left.status_code, "x-studyteddy-revoked" in left.headers) == (204, False)
        assert (await http.get("/api/v1/things")).status_code == 401


async def test_only_auth_can_say_so(gateway: Running) -> None:
    session_id = uuid4()
    expires = (datetime.now(UTC) + timedelta(minutes=15)).timestamp()

    async def imposter(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"", 204, (b"x-studyteddy-revoked", f"{session_id};{expires}".encode()))

    gateway.service.on("/things", imposter)
    async with httpx.AsyncClient(base_url=gateway.url, headers=gateway.bearer(session_id=session_id)) as http:
        assert (await http.get("/api/v1/things")).status_code == 204
        assert (await http.get("/api/v1/things")).status_code == 204


def test_a_revocation_is_forgotten_when_its_tokens_have_expired() -> None:
    told: list[UUID] = []
    now = datetime(2026, 11, 20, tzinfo=UTC)
    clock = now.timestamp()
    revocations = Revocations(told.append, lambda: clock)
    session_id = uuid4()
    for _ in range(2):
        revocations.add(session_id, now + timedelta(minutes=15))
    assert told == [session_id]
    clock += 15 * 60 + 59
    revocations.sweep()
    assert session_id in revocations
    clock += 2
    revocations.sweep()
    assert session_id not in revocations


@pytest.mark.faults
async def test_a_gateway_that_lost_the_broker_learns_what_it_missed(
    redis_url: str, amqp_url: str, rabbitmq: RabbitMQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.revocations._READ_EVERY", 0.2)
    async with listening(redis_url, amqp_url) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        session_id = uuid4()
        headers = gateway.bearer(session_id=session_id)
        assert (await http.get("/api/v1/things", headers=headers)).status_code == 200
        await asyncio.to_thread(rabbitmq.kill)
        await until(lambda: not gateway.gateway.consumer.is_ready, 15)
        await until(lambda: REGISTRY.get_sample_value("gateway_revocations_connected") == 0)
        assert (await http.get("/api/v1/things", headers=headers)).status_code == 200, "it goes on serving"
        gateway.auth.service.on("/internal/revocations", _unavailable)
        await asyncio.to_thread(rabbitmq.restart)
        gateway.auth.revoke(session_id)
        gateway.auth.service.on("/internal/revocations", gateway.auth._revocations)
        await until(lambda: gateway.gateway.consumer.is_ready, 20)
        assert (await http.get("/api/v1/things", headers=headers)).status_code == 401
