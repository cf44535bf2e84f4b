"""A request goes to its service, and its answer comes back, as they are but for what belongs to a hop."""

import json

import httpx
from starlette.types import Receive, Scope, Send

from .fakes import Running, answer
from .wire import connect, request


async def test_a_request_reaches_its_service_without_the_prefix(gateway: Running) -> None:
    async with httpx.AsyncClient(base_url=gateway.url, headers=gateway.bearer()) as http:
        for prefix in ("/api/v1", "/api"):
            seen = (await http.put(f"{prefix}/things/a%20b?x=1&y=%2F", content=b"hello")).json()
            assert (seen["method"], seen["path"], seen["query"]) == ("PUT", "/things/a%20b", "x=1&y=%2F")
            assert seen["body"] == "hello"
        assert (await http.post("/graphql", json={})).json()["path"] == "/graphql"


async def test_a_literal_segment_wins_over_a_parameter(gateway: Running) -> None:
    async with httpx.AsyncClient(base_url=gateway.url, headers=gateway.bearer()) as http:
        assert (await http.get("/api/v1/things/mine")).json()["path"] == "/things/mine"
        assert (await http.get("/api/v1/things/7/parts/2")).json()["path"] == "/things/7/parts/2"
        assert (await http.get("/api/v1/things/mine/parts/2")).json()["path"] == "/things/mine/parts/2"


async def test_the_service_is_told_where_the_request_came_from_and_nothing_that_a_client_made_up(
    gateway: Running,
) -> None:
    forged = (
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: evil",
        "Forwarded: for=6.6.6.6",
        "X-Real-IP: 6.6.6.6",
        "X_Forwarded_For: 6.6.6.6",
        "X-StudyTeddy-Session: 1",
        "baggage: a=b",
    )
    async with connect(gateway.port) as wire:
        _, body = await wire.get("/api/v1/open", *forged)
    headers = dict(json.loads(body)["headers"])
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == "gateway"
    assert headers["host"] == f"127.0.0.1:{gateway.service.port}"
    assert "6.6.6.6" not in body.decode()
    assert "x-studyteddy-session" not in headers
    assert "baggage" not in headers


async def test_hop_by_hop_fields_and_what_connection_names_stay_outside(gateway: Running) -> None:
    fields = (
        "Connection: keep-alive, X-Mine",
        "X-Mine: 1",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Proxy-Authorization: Basic eA==",
        "X-Yours: 2",
    )
    async with connect(gateway.port) as wire:
        _, body = await wire.get("/api/v1/open", *fields)
    headers = dict(json.loads(body)["headers"])
    assert headers["x-yours"] == "2"
    assert not {"connection", "x-mine", "keep-alive", "te", "proxy-authorization"} & headers.keys()


async def test_an_answer_loses_what_is_inside_and_gains_what_protects(gateway: Running) -> None:
    async def talkative(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(
            send,
            b"{}",
            200,
            (b"server", b"secret/1.0"),
            (b"x-powered-by", b"python"),
            (b"x-studyteddy-session", b"7"),
            (b"access-control-allow-origin", b"*"),
            (b"x-frame-options", b"ALLOWALL"),
            (b"etag", b'"7"'),
            (b"connection", b"keep-alive"),
        )

    gateway.service.on("/open", talkative)
    async with connect(gateway.port) as wire:
        head, _ = await wire.get("/api/v1/open")
    assert head.headers["etag"] == '"7"'
    assert head.headers["x-content-type-options"] == "nosniff"
    assert head.headers["x-frame-options"] == "DENY"
    assert head.headers["referrer-policy"] == "no-referrer"
    assert head.headers["content-security-policy"].startswith("default-src 'none'")
    assert head.headers["cache-control"] == "no-store"
    assert (
        not {"server", "x-powered-by", "x-studyteddy-session", "access-control-allow-origin", "connection"}
        & head.headers.keys()
    )


async def test_a_services_page_says_itself_what_may_run_in_it(gateway: Running) -> None:
    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"<script>1</script>", 200, (b"content-security-policy", b"script-src 'sha256-x'"))

    gateway.service.on("/open", page)
    async with connect(gateway.port) as wire:
        head, _ = await wire.get("/api/v1/open")
    assert head.headers["content-security-policy"] == "script-src 'sha256-x'"


async def test_a_place_is_named_as_the_client_can_reach_it(gateway: Running) -> None:
    places = {"/things/7": "things/7", f"http://127.0.0.1:{gateway.service.port}/things/8": "things/8"}
    for place, expected in places.items():

        async def created(scope: Scope, receive: Receive, send: Send, place: str = place) -> None:
            await answer(send, b"", 201, (b"location", place.encode()))

        gateway.service.on("/open", created)
        async with connect(gateway.port) as wire:
            assert (await wire.get("/api/v1/open"))[0].headers["location"] == f"/api/v1/{expected}"
            assert (await wire.get("/api/open"))[0].headers["location"] == f"/api/{expected}"

    async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"", 302, (b"location", b"https://accounts.example.org/o"))

    gateway.service.on("/open", elsewhere)
    async with connect(gateway.port) as wire:
        assert (await wire.get("/api/v1/open"))[0].headers["location"] == "https://accounts.example.org/o"


async def test_a_request_id_is_kept_or_made_and_told_to_both_sides(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        head, body = await wire.get("/api/v1/open", "X-Request-Id: my-request-7")
        assert head.headers["x-request-id"] == "my-request-7"
        assert dict(json.loads(body)["headers"])["x-request-id"] == "my-request-7"
        head, body = await wire.get("/api/v1/open", "X-Request-Id: a b!")
        assert len(head.headers["x-request-id"]) == 32
        assert dict(json.loads(body)["headers"])["x-request-id"] == head.headers["x-request-id"]


async def test_a_trace_is_begun_or_continued(gateway: Running) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with connect(gateway.port) as wire:
        _, body = await wire.get("/api/v1/open", f"traceparent: {parent}", "tracestate: a=b")
        headers = dict(json.loads(body)["headers"])
        assert (headers["traceparent"], headers["tracestate"]) == (parent, "a=b")
        for bad in ("", "traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01", "traceparent: x"):
            head, body = await wire.get("/api/v1/open", *([bad] if bad else []))
            version, trace_id, span_id, flags = dict(json.loads(body)["headers"])["traceparent"].split("-")
            assert (version, len(trace_id), len(span_id), flags) == ("00", 32, 16, "01")
            assert head.headers["x-request-id"] == trace_id


async def test_head_is_answered_where_get_is_and_has_no_body(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        head, _ = await wire.get("/api/v1/open", method="HEAD")
        assert head.status == 200
        assert int(head.headers["content-length"]) > 0
        head, body = await wire.get("/api/v1/open")
        assert (head.status, json.loads(body)["method"]) == (200, "GET")


async def test_requests_sent_ahead_are_answered_in_their_order(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        ahead = [request("POST", "/api/v1/open", body=f"{n}".encode() * 100) for n in range(8)]
        await wire.send(b"".join([*ahead, request("GET", "/nothing"), request("GET", "/api/v1/open")]))
        for n in range(8):
            _, body = await wire.answer()
            assert json.loads(body)["body"] == f"{n}" * 100
        assert (await wire.answer())[0].status == 404
        assert (await wire.answer())[0].status == 200


async def test_too_many_requests_ahead_end_the_connection_after_the_answers_so_far(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        await wire.send(request("GET", "/api/v1/open") * 40)
        everything = await wire.rest()
    assert everything.count(b"HTTP/1.1 200") == 16


async def test_an_answer_without_length_reaches_old_and_new_clients(gateway: Running) -> None:
    async def unmeasured(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(3):
            await send({"type": "http.response.body", "body": b"piece", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    gateway.service.on("/open", unmeasured)
    async with connect(gateway.port) as wire:
        head, body = await wire.get("/api/v1/open")
        assert (head.headers["transfer-encoding"], body) == ("chunked", b"piece" * 3)
    async with connect(gateway.port) as wire:
        await wire.send(b"GET /api/v1/open HTTP/1.0\r\n\r\n")
        head = await wire.head()
        assert head.headers["connection"] == "close"
        assert "transfer-encoding" not in head.headers
        assert await wire.rest() == b"piece" * 3


async def test_answers_that_have_no_body_leave_the_connection_usable(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        for status in (204, 304):

            async def empty(scope: Scope, receive: Receive, send: Send, status: int = status) -> None:
                await send({"type": "http.response.start", "status": status, "headers": []})
                await send({"type": "http.response.body", "body": b""})

            gateway.service.on("/open", empty)
            assert (await wire.get("/api/v1/open"))[0].status == status


async def test_an_upload_that_waits_for_permission_gets_it_once_it_is_admitted(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        await wire.send(b"POST /api/v1/open HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert (await wire.head()).status == 100
        await wire.send(b"hello")
        assert json.loads((await wire.answer())[1])["body"] == "hello"
        await wire.send(b"POST /api/v1/things HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        head, _ = await wire.answer()
        assert (head.status, head.headers["connection"]) == (401, "close")
