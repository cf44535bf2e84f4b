"""Queues and connections are bounded: under load the gateway sheds, and what it has taken it finishes."""

import asyncio
import json
import time

import httpx
from gateway.pool import Pool, PoolLimits
from starlette.types import Receive, Scope, Send

from .fakes import Running, answer, deaf, running, serving, until
from .wire import connect, request


async def test_who_does_not_fit_is_sent_away_and_who_waits_is_served(redis_url: str) -> None:
    go_on = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await go_on.wait()
        await answer(send, b"served")

    async with running(redis_url, upstream_connections=2, upstream_waiting=3) as gateway:
        gateway.service.on("/open", waiting)
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=gateway.url, limits=limits) as http:
            asking = [asyncio.create_task(http.get("/api/v1/open")) for _ in range(12)]
            await until(lambda: sum(task.done() for task in asking) == 7)
            shed = [task.result() for task in asking if task.done()]
            assert {response.status_code for response in shed} == {503}
            assert {response.headers["retry-after"] for response in shed} == {"2"}
            assert shed[0].json()["type"] == "urn:studyteddy:problem:overloaded"
            assert (await http.get("/api/v1/other")).status_code == 200, "another service is not concerned"
            go_on.set()
            everything = await asyncio.gather(*asking)
            assert [response.status_code for response in everything].count(200) == 5
        pool = gateway.gateway.edge.pools["ingestion"]
        assert len(pool._open) <= 2


async def test_nobody_waits_for_ever_for_a_connection(redis_url: str) -> None:
    async def hanging(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async with running(redis_url, upstream_connections=1) as gateway, connect(gateway.port) as first:
        gateway.service.on("/things/7", hanging)
        await first.send(request("GET", "/api/v1/things/7", f"Authorization: {gateway.bearer()['Authorization']}"))
        await until(lambda: gateway.service.seen)
        async with connect(gateway.port) as wire:
            started = time.monotonic()
            head, _ = await wire.get("/api/v1/open")
            assert head.status == 503
            assert 1.5 < time.monotonic() - started < 4


async def test_who_leaves_the_queue_leaves_no_hole(redis_url: str) -> None:
    go_on = asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await go_on.wait()
        await answer(send, b"served")

    async with running(redis_url, upstream_connections=1) as gateway:
        gateway.service.on("/open", waiting)
        pool = gateway.gateway.edge.pools["ingestion"]
        async with connect(gateway.port) as first:
            await first.send(request("GET", "/api/v1/open"))
            await until(lambda: gateway.service.seen)
            async with connect(gateway.port) as impatient:
                await impatient.send(request("GET", "/api/v1/open"))
                await until(lambda: len(pool._waiting) == 1)
            await until(lambda: not pool._waiting)
            async with connect(gateway.port) as patient:
                await patient.send(request("GET", "/api/v1/open"))
                await until(lambda: len(pool._waiting) == 1)
                go_on.set()
                assert (await patient.answer())[1] == b"served"
            assert (await first.answer())[1] == b"served"
            assert (await first.get("/api/v1/open"))[1] == b"served"
        assert pool._places_taken == 1


async def test_a_place_is_free_again_however_a_connection_ends() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"")

    async with serving(app) as (port,):
        loop = asyncio.get_running_loop()
        pool = Pool("x", f"http://127.0.0.1:{port}", PoolLimits(connections=2), loop.time)
        for _ in range(5):
            connection = await pool.reach()
            connection.abort()
            await until(lambda: not pool._open)
        assert pool._places_taken == 0
        streaming = await pool.reach()
        pool.leave(streaming)
        pool.leave(streaming)
        assert pool._places_taken == 0
        others = [await pool.reach(), await pool.reach()]
        assert pool._places_taken == 2
        cancelled = asyncio.create_task(pool.reach())
        await until(lambda: pool._waiting)
        cancelled.cancel()
        others[0].abort()
        await asyncio.wait({cancelled})
        await until(lambda: pool._places_taken == 1)
        pool.close()
        await until(lambda: pool._places_taken == 0)


async def test_a_kept_connection_makes_room_for_a_new_one() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"")

    async with serving(app) as (port,):
        pool = Pool("x", f"http://127.0.0.1:{port}", PoolLimits(connections=1), asyncio.get_running_loop().time)
        pool._became_idle(await pool.reach())
        assert (await pool.reach()).is_open
        assert (len(pool._idle), pool._places_taken) == (0, 1)
        pool.close()
        await until(lambda: not pool._open)


async def test_a_cancelled_attempt_to_connect_frees_its_place() -> None:
    with deaf() as port:
        pool = Pool("x", f"http://127.0.0.1:{port}", PoolLimits(), asyncio.get_running_loop().time)
        attempt = asyncio.create_task(pool.reach())
        await until(lambda: pool._places_taken == 1)
        attempt.cancel()
        await asyncio.wait({attempt})
        assert pool._places_taken == 0


async def test_too_many_clients_are_told_so(redis_url: str) -> None:
    async with running(redis_url, client_connections=2) as gateway:
        async with connect(gateway.port) as one, connect(gateway.port) as two:
            assert (await one.get("/api/v1/open"))[0].status == 200
            assert (await two.get("/api/v1/open"))[0].status == 200
            async with connect(gateway.port) as three:
                head, body = await three.answer()
                assert (head.status, head.headers["connection"]) == (503, "close")
                assert json.loads(body)["type"] == "urn:studyteddy:problem:overloaded"
        # one is gone for the client before it is for the gateway
        deadline = time.monotonic() + 5
        while not await _fits(gateway):
            assert time.monotonic() < deadline


async def _fits(gateway: Running) -> bool:
    async with connect(gateway.port) as wire:
        return (await wire.get("/api/v1/open"))[0].status == 200


async def test_streams_do_not_take_the_places_of_requests(redis_url: str) -> None:
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await receive()
        await receive()

    async with running(redis_url, upstream_connections=1) as gateway:
        gateway.service.on("/events", endless)
        authorization = f"Authorization: {gateway.bearer()['Authorization']}"
        async with connect(gateway.port) as one, connect(gateway.port) as two, connect(gateway.port) as wire:
            for stream in (one, two):
                await stream.send(request("GET", "/api/v1/events", authorization))
                assert (await stream.head()).status == 200
            assert (await wire.get("/api/v1/open"))[0].status == 200


async def test_a_silent_stream_is_ended_and_a_lively_one_is_not(redis_url: str) -> None:
    async def events(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for _ in range(8):
            await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
            await asyncio.sleep(0.1)
        await asyncio.Event().wait()

    async with running(redis_url, stream_idle_seconds=0.5) as gateway, connect(gateway.port) as wire:
        gateway.service.on("/events", events)
        await wire.send(request("GET", "/api/v1/events", f"Authorization: {gateway.bearer()['Authorization']}"))
        await wire.head()
        for _ in range(8):
            assert await wire.chunk() == b"data: 1\n\n"
        assert await wire.rest() == b"", "cut, without a last chunk"


async def test_requests_in_a_burst_are_all_answered(gateway: Running) -> None:
    authorization = f"Authorization: {gateway.bearer()['Authorization']}"

    async def ask(client: int) -> None:
        async with connect(gateway.port) as wire:
            for number in range(10):
                _, body = await wire.get(f"/api/v1/things/{client}-{number}", authorization)
                assert json.loads(body)["path"] == f"/things/{client}-{number}"

    await asyncio.gather(*(ask(client) for client in range(40)))
