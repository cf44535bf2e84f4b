"""Sockets: who gets one, and how each kind of bad client ends."""

import asyncio
import json
from contextlib import suppress
from uuid import uuid4

import httpx
import pytest
from devstack.waiting import until
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .builders import processed, progressed, uploaded
from .campus import Campus, Student, Tab

# A few of these fill what the kernels of both sides hold for a reader that sleeps.
LONG = "x" * 400_000


def _ws(student: Student, query: str) -> str:
    return f"{student.client.base_url}/ws?{query}".replace("http", "ws")


async def test_a_ticket_opens_one_socket(campus: Campus) -> None:
    async with campus.process():
        ada = await campus.student()
        ticket = await ada.ticket()
        async with open_socket(_ws(ada, f"ticket={ticket}")) as socket:
            assert json.loads(await socket.recv())["type"] == "hello"
            assert socket.response is not None
            assert socket.response.headers["x-studyteddy-session"] == str(ada.session_id)
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(_ws(ada, f"ticket={ticket}"))
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["content-type"] == "application/problem+json"
        assert json.loads(refused.value.response.body or b"")["type"] == "urn:studyteddy:problem:ticket-refused"


@pytest.mark.parametrize("query", ["", "ticket=", "ticket=guessed", "ticket=%00%ff", "token=x"])
async def test_nobody_gets_in_without_one(campus: Campus, query: str) -> None:
    async with campus.process():
        ada = await campus.student()
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(_ws(ada, query))
        assert refused.value.response.status_code == 401


async def test_two_who_race_for_a_ticket_do_not_both_win(campus: Campus) -> None:
    async with campus.process():
        ada = await campus.student()
        ticket = await ada.ticket()
        opened = await asyncio.gather(
            *(open_socket(_ws(ada, f"ticket={ticket}")) for _ in range(5)), return_exceptions=True
        )
        won = [socket for socket in opened if not isinstance(socket, BaseException)]
        assert len(won) == 1
        await won[0].close()


async def test_a_ticket_is_short_lived(campus: Campus) -> None:
    async with campus.process(ticket_seconds=0.05):
        ada = await campus.student()
        ticket = await ada.ticket()
        await until(lambda: _expired(campus))
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(_ws(ada, f"ticket={ticket}"))
        assert refused.value.response.status_code == 401


async def _expired(campus: Campus) -> bool:
    async with Redis.from_url(campus.redis_url) as redis:
        return not [key async for key in redis.scan_iter("ticket:*")]


async def test_tickets_do_not_stand_in_redis_in_clear(campus: Campus) -> None:
    async with campus.process():
        ticket = await (await campus.student()).ticket()
        async with Redis.from_url(campus.redis_url, decode_responses=True) as redis:
            keys = [key async for key in redis.scan_iter("*")]
        assert keys
        assert not any(ticket in key for key in keys)


async def test_without_redis_there_are_no_sockets_and_everything_else_works(campus: Campus) -> None:
    async with campus.process(redis_url="redis://127.0.0.1:1/0"):
        ada = await campus.student()
        answer = await ada.client.post("/ws/ticket")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:studyteddy:problem:tickets-away")
        assert (await ada.client.get("/notifications")).status_code == 200


async def test_a_plain_request_is_told_to_open_a_websocket(campus: Campus) -> None:
    async with campus.process():
        ada = await campus.student()
        assert (await ada.client.get("/ws", params={"ticket": "x"})).status_code == 426


async def test_who_does_not_say_in_a_number_where_it_stands_begins_at_the_newest(campus: Campus) -> None:
    async with campus.running():
        ada = await campus.student()
        await campus.tell(processed(ada))
        await campus.taken(1)
        for after in ("", "x", "-1", "1.5", "\u0663", "9" * 5000):
            async with ada.tab(after=after) as tab:
                assert tab.hello["newest"] == 1
                document = uuid4()
                await campus.tell(uploaded(ada, document))
                assert (await tab.hears())["data"]["document_id"] == str(document)


async def test_sockets_of_a_user_and_of_a_process_are_bounded(campus: Campus) -> None:
    async with campus.process(sockets_per_user=2, sockets=3) as url:
        ada, bob, eve = [await campus.student() for _ in range(3)]
        async with ada.tab(), ada.tab(), bob.tab():
            for student, status, kind in ((ada, 503, "hub-full"), (eve, 503, "hub-full")):
                with pytest.raises(InvalidStatus) as refused:
                    await open_socket(_ws(student, f"ticket={await student.ticket()}"))
                assert refused.value.response.status_code == status
                assert kind in (refused.value.response.body or b"").decode()
        async with ada.tab(), ada.tab():
            with pytest.raises(InvalidStatus) as refused:
                await open_socket(_ws(ada, f"ticket={await ada.ticket()}"))
            assert refused.value.response.status_code == 429
            async with eve.tab():
                pass
        await until(lambda: _sockets(url, 0))


async def _sockets(url: str, count: int) -> bool:
    return await _metric(url, "notifier_sockets") == count


async def _metric(url: str, name: str) -> float:
    async with httpx.AsyncClient() as client:
        lines = (await client.get(f"{url}/metrics")).text.splitlines()
    return next((float(line.removeprefix(name)) for line in lines if line.startswith(f"{name} ")), 0.0)


async def test_a_socket_that_never_answers_pings_is_closed(campus: Campus) -> None:
    async with campus.process(ping_seconds=0.1, pong_seconds=0.2) as url:
        ada = await campus.student()
        async with ada.tab() as lively:
            mute = await _open_mutely(ada)
            await until(lambda: _sockets(url, 2))
            await until(lambda: _sockets(url, 1))
            await campus.tell(uploaded(ada, uuid4()))
            await lively.hears("document.uploaded")
            mute.close()


async def _open_mutely(student: Student) -> asyncio.StreamWriter:
    """A client that opens a socket and then does nothing at all, as one whose machine has frozen."""
    address = student.client.base_url
    reader, writer = await asyncio.open_connection(address.host, address.port)
    lines = (
        f"GET /ws?ticket={await student.ticket()} HTTP/1.1",
        f"Host: {address.host}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    writer.write("\r\n".join((*lines, "", "")).encode())
    assert b" 101 " in await reader.readline()
    reader._transport.pause_reading()  # type: ignore[attr-defined]  # so that the kernel's buffers fill up, too
    return writer


async def test_a_slow_reader_is_dropped_and_holds_nobody_up(campus: Campus) -> None:
    async with campus.process(socket_waiting=10) as url:
        ada = await campus.student()
        async with ada.tab() as lively:
            mute = await _open_mutely(ada)
            await until(lambda: _sockets(url, 2))
            await until(lambda: _flooded(campus, ada, lively, url))
            mute.close()


async def _flooded(campus: Campus, student: Student, lively: Tab, url: str) -> bool:
    """Whether, after some more frames, only the lively tab is left."""
    for _ in range(10):
        await campus.tell(uploaded(student, uuid4(), title=LONG))
        await lively.hears("document.uploaded")
    return await _sockets(url, 1)


async def test_a_reader_that_wakes_up_is_told_that_it_was_too_slow(campus: Campus) -> None:
    async with campus.process(socket_waiting=10) as url:
        ada = await campus.student()
        address = _ws(ada, f"ticket={await ada.ticket()}")
        async with ada.tab() as lively, open_socket(address, max_queue=1) as slow:
            before = await _metric(url, "notifier_sockets_too_slow_total")
            while await _metric(url, "notifier_sockets_too_slow_total") == before:
                await campus.tell(uploaded(ada, uuid4(), title=LONG))
                await lively.hears("document.uploaded")
            assert await _end(slow) == (4008, "too-slow")


async def test_progress_is_dropped_before_a_slow_reader_is(campus: Campus) -> None:
    async with campus.process(socket_waiting=10) as url:
        ada = await campus.student()
        mute = await _open_mutely(ada)
        await until(lambda: _sockets(url, 1))
        dropped = 'notifier_frames_total{outcome="dropped"}'
        before, document = await _metric(url, dropped), uuid4()
        for _ in range(60):
            # Fills the line, and then waits.
            await campus.tell(uploaded(ada, document, title=LONG))
            for _ in range(20):
                await campus.tell(progressed(ada, document))
            if await _metric(url, dropped) > before:
                break
        assert await _metric(url, dropped) > before
        mute.close()


async def test_a_talkative_client_is_not_listened_to(campus: Campus) -> None:
    async with campus.process():
        ada = await campus.student()
        async with ada.tab() as tab:
            for _ in range(20):
                await tab.socket.send("ping")
            await campus.tell(uploaded(ada, uuid4()))
            await tab.hears("document.uploaded")
            await tab.socket.send("x" * 10_000)
            assert (await _end(tab.socket))[0] == 1009


async def test_a_process_that_stops_says_so(campus: Campus) -> None:
    async with campus.process():
        ada = await campus.student()
        socket = await open_socket(_ws(ada, f"ticket={await ada.ticket()}"))
    assert (await _end(socket))[0] == 1012


async def _end(socket: ClientConnection) -> tuple[int, str]:
    """Why the socket was closed, after everything that was sent before."""
    async with asyncio.timeout(20):
        with suppress(ConnectionClosed):
            async for _ in socket:
                pass
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def test_a_line_that_breaks_frees_its_place(campus: Campus) -> None:
    async with campus.process() as url:
        ada = await campus.student()
        writer = await _open_mutely(ada)
        await until(lambda: _sockets(url, 1))
        writer.transport.abort()
        await until(lambda: _sockets(url, 0))
