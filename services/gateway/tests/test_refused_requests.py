"""Requests that can be read in two ways, or not at all, are refused before anything is done with them."""

import asyncio
import json

import pytest

from .fakes import Running, running
from .wire import connect, request

POST = "POST /api/v1/open HTTP/1.1\r\nHost: g\r\n"
SMUGGLED = "GET /api/v1/things HTTP/1.1\r\nHost: g\r\n\r\n"


# Line by line; the status says whether it is unreadable (400), too large (414, 431) or beyond us (501, 505).
CASES = [
    # two framings
    (POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    (POST + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    (POST + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + SMUGGLED, 400),
    (POST + "Content-Length: 5, 5\r\n\r\nhello", 400),
    (POST + "Content-Length: +5\r\n\r\nhello", 400),
    (POST + "Content-Length: 0x5\r\n\r\nhello", 400),
    (POST + "Content-Length: 99999999999999999999\r\n\r\nhello", 400),
    # transfer codings
    (POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    (POST + "Transfer-Encoding: identity\r\n\r\nhello", 501),
    (POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    (POST + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    (POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    (POST + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400),
    ("POST /api/v1/open HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    # lines
    ("GET /api/v1/open HTTP/1.1\nHost: g\n\n", 400),
    ("GET /api/v1/open HTTP/1.1\r\nHost: g\r\nX: a\r\n b\r\n\r\n", 400),
    ("GET /api/v1/open HTTP/1.1\r\nHost: g\r\nX: a\rb\r\n\r\n", 400),
    ("GET /api/v1/open HTTP/1.1\r\nHost: g\r\nX: a\0b\r\n\r\n", 400),
    ("GET /api/v1/open HTTP/1.1\r\nHost: g\r\n: b\r\n\r\n", 400),
    ("get /api/v1/open HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    # versions
    ("GET /api/v1/open HTTP/2.0\r\nHost: g\r\n\r\n", 505),
    ("GET /api/v1/open HTTP/1.9\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1/open\r\n\r\n", 505),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    # host
    ("GET /api/v1/open HTTP/1.1\r\n\r\n", 400),
    ("GET /api/v1/open HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("GET /api/v1/open HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("GET /api/v1/open HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    # targets
    ("GET /api/v1/things/../open HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1/things/%2e%2e/open HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1/./open HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1//open HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET //api/v1/open HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1/things/a%2fb HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1/things/a%5Cb HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1/things/a\\b HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1/things/a%00 HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1/things/a%zz HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1/open#x HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1/open?a#x HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET api/v1/open HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("OPTIONS * HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("CONNECT other:443 HTTP/1.1\r\nHost: g\r\n\r\n", 400),
    ("GET /api/v1/open?" + "x" * 9000 + " HTTP/1.1\r\nHost: g\r\n\r\n", 414),
    # size
    ("GET /api/v1/open HTTP/1.1\r\nHost: g\r\nX: " + "x" * 20000 + "\r\n\r\n", 431),
    ("GET /api/v1/open HTTP/1.1\r\nHost: g\r\n" + "X: 1\r\n" * 150 + "\r\n", 431),
    # changing the protocol
    (POST + "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello", 501),
]  # fmt: skip


async def test_they_get_a_problem_document_and_nothing_reaches_a_service(gateway: Running) -> None:
    for raw, status in CASES:
        async with connect(gateway.port) as wire:
            await wire.send(raw.encode("latin-1"))
            head, body = await wire.answer()
            assert head.status == status, raw
            document = json.loads(body)
            assert head.headers["content-type"] == "application/problem+json"
            assert document["status"] == status
            assert document["detail"].endswith("."), raw
            assert document["request_id"] == head.headers["x-request-id"]
            assert head.headers["connection"] == "close", raw
            assert await wire.rest() == b"", "what follows such a request is nobody's"
    assert gateway.service.seen == []


async def test_what_is_not_in_the_table_is_not_there(gateway: Running) -> None:
    inside = ("/internal/revocations", "/.well-known/jwks.json")
    async with connect(gateway.port) as wire:
        for path in (
            *inside,
            "/api/v1",
            "/api/v1/",
            "/api/v1/open/",
            "/API/v1/open",
            "/api/v1/things/",
            "/api/v2/open",
        ):
            head, body = await wire.get(path)
            assert head.status == 404, path
            assert json.loads(body)["type"] == "urn:studyteddy:problem:not-found"


async def test_a_method_that_is_not_served_names_those_that_are(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        head, body = await wire.get("/api/v1/things", method="PATCH")
        assert head.status == 405
        assert head.headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert "POST" in json.loads(body)["detail"]


async def test_an_absolute_url_names_the_host(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        await wire.send(b"GET http://other.example:81/api/v1/open?x HTTP/1.1\r\nHost: g\r\n\r\n")
        head, body = await wire.answer()
    assert head.status == 200
    assert dict(json.loads(body)["headers"])["x-forwarded-host"] == "other.example:81"
    assert json.loads(body)["query"] == "x"


async def test_only_our_hosts_are_answered_where_they_are_named(redis_url: str) -> None:
    async with running(redis_url, hosts="study.example, gateway") as gateway, connect(gateway.port) as wire:
        assert (await wire.get("/api/v1/open"))[0].status == 200
        await wire.send(b"GET /api/v1/open HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert (await wire.answer())[0].status == 421
        await wire.send(b"GET /health/live HTTP/1.1\r\nHost: 10.1.2.3\r\n\r\n")
        assert (await wire.answer())[0].status == 200, "a probe names no host of ours"
        for path in ("/metrics", "/docs", "/openapi.json"):
            for host, status in (
                ("study.example", 200),
                ("evil.example:8080", 421),
                ("10.1.2.3.evil.example", 421),
                ("10.1.2.3:8080", 200),
                ("[fd00::1]:8080", 200),
            ):
                await wire.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                assert (await wire.answer())[0].status == status, (path, host)


async def test_hosts_that_are_named_are_answered_beside_a_laptops_own(redis_url: str) -> None:
    async with (
        running(redis_url, environment="development", hosts="laptop.lan") as gateway,
        connect(gateway.port) as wire,
    ):
        for host, status in (("laptop.lan:8080", 200), ("localhost:8080", 200), ("evil.example", 421)):
            await wire.send(f"GET /api/v1/open HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert (await wire.answer())[0].status == status, host


@pytest.mark.parametrize(
    ("environment", "host", "status"),
    [
        *[
            ("development", host, 200)
            for host in ("localhost:8080", "LOCALHOST", "127.0.0.1:8080", "[::1]", "[::1]:8080")
        ],
        *[
            ("development", host, 421)
            for host in ("evil.example", "evil.example:8080", "localhost.evil.example", "[::2]:1")
        ],
        ("test", "evil.example", 200),
    ],
)
async def test_a_laptop_answers_to_its_own_names_alone(
    redis_url: str, environment: str, host: str, status: int
) -> None:
    async with running(redis_url, environment=environment) as gateway, connect(gateway.port) as wire:
        await wire.send(f"GET /api/v1/open HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert (await wire.answer())[0].status == status


async def test_a_body_over_the_limit_is_refused_before_it_is_read(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        fields = f"Authorization: {gateway.bearer()['Authorization']}"
        await wire.send(request("POST", "/api/v1/things", fields, "Content-Length: 100001"))
        head, body = await wire.answer()
    assert (head.status, head.headers["connection"]) == (413, "close")
    assert "100000" in json.loads(body)["detail"]
    assert gateway.service.seen == []


async def test_a_chunked_body_over_the_limit_is_refused_when_it_passes_it(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        fields = f"Authorization: {gateway.bearer()['Authorization']}"
        await wire.send(request("POST", "/api/v1/things", fields, "Transfer-Encoding: chunked"))
        for _ in range(11):
            await wire.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        head, _ = await wire.answer()
    assert head.status == 413


async def test_a_small_refused_body_is_read_so_that_the_connection_can_be_used_again(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        await wire.send(request("POST", "/api/v1/things", body=b"x" * 1000))
        head, _ = await wire.answer()
        assert (head.status, "connection" in head.headers) == (401, False)
        await wire.send(request("POST", "/api/v1/open", "Content-Length: 4"), b"ab", b"cd")
        assert json.loads((await wire.answer())[1])["body"] == "abcd"


async def test_a_large_refused_body_does_not_keep_the_client_from_reading_why(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        wire.writer.write(request("POST", "/api/v1/things", "Content-Length: 3000000") + b"x" * 3_000_000)
        head, _ = await wire.answer()
        assert (head.status, head.headers["connection"]) == (413, "close")


async def test_chunks_that_cannot_be_read_are_refused(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        await wire.send(request("POST", "/api/v1/open", "Transfer-Encoding: chunked"), b"3\r\nabc\r\nnonsense\r\n")
        head, _ = await wire.answer()
    assert (head.status, head.headers["connection"]) == (400, "close")


async def test_garbage_behind_a_good_request_does_not_spoil_its_answer(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        await wire.send(request("GET", "/api/v1/open") + b"\x00\x01garbage\r\n\r\n")
        head, body = await wire.answer()
        assert (head.status, json.loads(body)["path"]) == (200, "/open")
        assert await wire.rest() == b""


async def test_trailers_do_not_become_headers(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        body = b"3\r\nabc\r\n0\r\nX-Late: 1\r\nAuthorization: Bearer x\r\n\r\n"
        await wire.send(request("POST", "/api/v1/open", "Transfer-Encoding: chunked"), body)
        seen = json.loads((await wire.answer())[1])
        assert seen["body"] == "abc"
        assert not {"x-late", "authorization"} & dict(seen["headers"]).keys()
        assert (await wire.get("/api/v1/open"))[0].status == 200


async def test_an_upgrade_that_is_not_offered_is_ignored(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        fields = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
        head, body = await wire.get("/api/v1/open", *fields)
        assert (head.status, head.headers["connection"]) == (200, "close")
        assert not {"upgrade", "http2-settings"} & dict(json.loads(body)["headers"]).keys()


async def test_a_head_that_never_ends_is_cut_off(redis_url: str) -> None:
    async with running(redis_url, head_seconds=0.3) as gateway:
        async with connect(gateway.port) as wire:
            await wire.send(b"GET /api/v1/open HTTP/1.1\r\nHost: g\r\nX: ")
            head, _ = await wire.answer()
            assert (head.status, head.headers["connection"]) == (408, "close")
        async with connect(gateway.port) as wire:
            assert await wire.rest() == b"", "who never asks is not waited for either"


async def test_a_head_without_end_is_cut_off_at_its_size(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        await wire.send(b"GET /api/v1/open HTTP/1.1\r\nHost: g\r\nX: ")
        wire.writer.write(b"x" * 100_000)
        assert (await wire.answer())[0].status == 431


async def test_an_idle_connection_is_closed(redis_url: str) -> None:
    async with running(redis_url, keep_alive_seconds=0.2) as gateway, connect(gateway.port) as wire:
        assert (await wire.get("/api/v1/open"))[0].status == 200
        assert await wire.rest() == b""


async def test_an_upload_slower_than_a_person_would_wait_is_ended(redis_url: str) -> None:
    async with (
        running(redis_url, idle_body_seconds=0.4, slowest_upload=10_000) as gateway,
        connect(gateway.port) as wire,
    ):
        await wire.send(request("POST", "/api/v1/open", "Content-Length: 1000"))
        asking = asyncio.create_task(wire.answer())
        while not asking.done():
            await wire.send(b"x")
            await asyncio.wait({asking}, timeout=0.05)
        assert asking.result()[0].status == 408
