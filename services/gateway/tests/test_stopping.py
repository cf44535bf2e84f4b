"""A stop is clean: nothing new is taken, what is in flight is finished, streams are told, and the process ends with 0."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator

import httpx
import pytest
from gateway.app import NoSuchService
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed

from .fakes import Auth, answer, listener, operation, running, serving, until
from .test_identity import committed_routes
from .test_websockets import parrot
from .wire import connect, request


async def test_what_is_in_flight_is_finished(redis_url: str) -> None:
    go_on, asked = asyncio.Event(), asyncio.Event()

    async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        await go_on.wait()
        await answer(send, b"done")

    async with running(redis_url) as gateway, connect(gateway.port) as wire, connect(gateway.port) as idle:
        gateway.service.on("/open", slowly)
        assert (await idle.get("/health/live"))[0].status == 200
        await wire.send(request("GET", "/api/v1/open"))
        await asked.wait()
        gateway.stop.set()
        assert await idle.rest() == b"", "an idle connection is closed at once"
        with pytest.raises(ConnectionRefusedError):
            async with connect(gateway.port):
                pass
        assert not gateway.task.done()
        go_on.set()
        head, body = await wire.answer()
        assert (head.status, head.headers["connection"], body) == (200, "close", b"done")
        await asyncio.wait_for(gateway.task, 3)


async def test_sockets_are_told_at_once_and_event_streams_at_the_end(redis_url: str) -> None:
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await receive()
        await receive()

    async with running(redis_url) as gateway, connect(gateway.port) as wire:
        gateway.service.on("/ws", parrot)
        gateway.service.on("/events", endless)
        await wire.send(request("GET", "/api/v1/events", f"Authorization: {gateway.bearer()['Authorization']}"))
        await wire.head()
        assert await wire.chunk() == b"data: 1\n\n"
        async with open_socket(f"ws://127.0.0.1:{gateway.port}/ws") as socket:
            gateway.stop.set()
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
        goodbye = (await wire.chunk()).decode()
        assert json.loads(goodbye.partition("data: ")[2])["type"] == "urn:studyteddy:problem:shutdown"
        assert await wire.chunk() == b""
        await asyncio.wait_for(gateway.task, 3)


async def test_who_hangs_does_not_hold_the_stop(redis_url: str) -> None:
    async def hanging(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async with running(redis_url, shutdown_grace_seconds=2.2) as gateway, connect(gateway.port) as wire:
        gateway.service.on("/open", hanging)
        await wire.send(request("GET", "/api/v1/open"))
        await until(lambda: gateway.service.seen)
        gateway.stop.set()
        await asyncio.wait_for(gateway.task, 2.2)


@pytest.fixture
async def auth() -> AsyncIterator[Auth]:
    auth = Auth()
    async with serving(auth.service) as (auth.service.port,):
        yield auth


async def test_the_process_serves_the_committed_routes_and_ends_with_0(
    redis_url: str, amqp_url: str, auth: Auth
) -> None:
    held = listener()
    port = held.getsockname()[1]
    held.close()
    environment = os.environ | {
        "ENVIRONMENT": "test",
        "GATEWAY_PORT": str(port),
        "AUTH_URL": auth.service.url,
        "REDIS_URL": redis_url,
        "AMQP_URL": amqp_url,
        "GATEWAY_ACCESS_LOG": "true",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "api", env=environment, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            await _until_ready(http, process)
            for path in committed_routes()["paths"]:
                assert (await http.request("TRACE", path.replace("{", "").replace("}", ""))).status_code == 405
            me = await http.get("/api/v1/users/me", headers={"Authorization": f"Bearer {auth.token()}"})
            assert me.json()["path"] == "/users/me"
        process.send_signal(signal.SIGTERM)
        log = await asyncio.wait_for(process.stderr.read(), 10)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = [json.loads(line) for line in log.splitlines()]
    (line,) = [line for line in lines if line["message"] == "GET /api/v1/users/me 200"]
    assert len(line["http.request.id"]) == 32
    assert line["user.id"]
    assert b"eyJ" not in log, "no token in a log"


async def _until_ready(http: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(20):
        while process.returncode is None:
            try:
                if (await http.get("/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    raise AssertionError("the process ended")


async def test_a_route_to_a_service_that_has_no_url_is_said_at_the_start(redis_url: str) -> None:
    routes = {"paths": {"/api/v1/a": {"get": operation("planner")}}}
    with pytest.raises(NoSuchService, match="planner"):
        async with running(redis_url, routes):
            pass
