"""The application: every error is a problem document, every request has an id, and what nobody expected is said to nobody."""

import logging
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from chassis.errors import Conflict, TooManyRequests
from chassis.http import create_app
from chassis.requests import REQUEST_ID
from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import StreamingResponse
from openapi_spec_validator import validate
from prometheus_client import REGISTRY
from pydantic import BaseModel, Field
from sqlalchemy.exc import TimeoutError as PoolTimeout

router = APIRouter()


class Deck(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=10)]
    cards: int = 0


@router.post("/decks")
async def make_deck(deck: Deck) -> Deck:
    """Echo."""
    return deck


class Question(BaseModel):
    query: str
    header: str


@router.post("/questions")
async def ask(question: Question) -> Question:
    return question


@router.get("/decks/{deck_id}")
async def read_deck(deck_id: int, detail: Annotated[int, Query(le=3)] = 0) -> int:
    """Echo."""
    return deck_id + detail


@router.get("/fail/{how}")
async def fail(how: str) -> None:
    """Fail in every way."""
    raise {
        "conflict": Conflict("Somebody was faster.", version=3),
        "slowly": TooManyRequests("Slowly.", retry_after=9),
        "teapot": HTTPException(418, "I am a teapot"),
        "forbidden": HTTPException(403, "No."),
        "mistake": ValueError("the secret of postgresql://auth:hush@db"),
        "file": FileNotFoundError("/etc/secret"),
        "reset": ConnectionResetError("peer"),
        "late": TimeoutError(),
        "crowd": PoolTimeout("QueuePool limit"),
    }[how]


@router.get("/stream")
async def stream() -> StreamingResponse:
    """Break in the middle."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        raise ValueError("in the middle")

    return StreamingResponse(parts())


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(title="Tests", service="tests", routers=[router], state={}, checks={})
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tests") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/fail/conflict", 409, "conflict"),
        ("/fail/slowly", 429, "too-many-requests"),
        ("/fail/teapot", 418, "http-418"),
        ("/fail/forbidden", 403, "forbidden"),
        ("/fail/mistake", 500, "internal"),
        ("/fail/file", 500, "internal"),
        ("/fail/reset", 503, "unavailable"),
        ("/fail/late", 503, "unavailable"),
        ("/fail/crowd", 503, "unavailable"),
        ("/nowhere", 404, "not-found"),
        ("/decks/x", 422, "invalid-request"),
        ("/decks/1?detail=4", 422, "invalid-request"),
    ],
)
async def test_every_error_is_a_problem_document(client: httpx.AsyncClient, path: str, status: int, kind: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == f"urn:studyteddy:problem:{kind}"
    assert document["status"] == status
    assert document["instance"] == path.partition("?")[0]
    assert document["detail"]
    assert answer.headers[REQUEST_ID]


async def test_members_and_headers_of_a_problem_are_sent(client: httpx.AsyncClient) -> None:
    assert (await client.get("/fail/conflict")).json()["version"] == 3
    assert (await client.get("/fail/slowly")).headers["retry-after"] == "9"


async def test_another_method_is_refused_with_those_that_there_are(client: httpx.AsyncClient) -> None:
    answer = await client.put("/decks")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_each_wrong_field_is_named_and_none_is_quoted(client: httpx.AsyncClient) -> None:
    answer = await client.post("/decks", json={"name": "a-name-that-is-far-too-long", "cards": "many"})
    document = answer.json()
    assert [error["field"] for error in document["errors"]] == ["name", "cards"]
    assert document["detail"].startswith("name: ")
    assert ".." not in document["detail"]
    assert "far-too-long" not in answer.text


async def test_a_wrong_field_that_is_called_like_a_part_of_the_request_is_named(client: httpx.AsyncClient) -> None:
    missing = (await client.post("/questions", json={})).json()
    wrong = (await client.post("/questions", json={"query": ["x"], "header": "y"})).json()
    none = (await client.post("/questions")).json()

    assert [error["field"] for error in missing["errors"]] == ["query", "header"]
    assert wrong["detail"].startswith("query: ")
    assert [error["field"] for error in none["errors"]] == ["body"]


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"{'name': 1}", b"\xff\xfe\x00", b'{"name": "\xc3"}', b"[" * 50_000, b"nul"]
)
async def test_a_body_that_cannot_be_read_is_a_problem(client: httpx.AsyncClient, raw: bytes) -> None:
    answer = await client.post("/decks", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    if answer.status_code == 400:
        assert answer.json()["detail"].startswith("The body is not valid JSON. Check")


async def test_what_nobody_expected_is_logged_once_and_told_to_nobody(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/fail/mistake", headers={REQUEST_ID: "request-0001"})
    assert "hush" not in answer.text
    assert "ValueError" not in answer.text
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage() == "unexpected error in GET /fail/mistake"
    assert record.exc_info is not None
    assert answer.headers[REQUEST_ID] == "request-0001"


async def test_a_stream_that_breaks_is_cut_and_not_ended(client: httpx.AsyncClient) -> None:
    with pytest.raises(ValueError, match="in the middle"):
        await client.get("/stream")


@pytest.mark.parametrize("given", ["request-0001", "a.b_c-12"])
async def test_a_request_id_is_kept(client: httpx.AsyncClient, given: str) -> None:
    assert (await client.get("/decks/1", headers={REQUEST_ID: given})).headers[REQUEST_ID] == given


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space", 'quote"quote', "new\tline-new"])
async def test_a_request_id_that_would_harm_a_log_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answered = (await client.get("/decks/1", headers={REQUEST_ID: given})).headers[REQUEST_ID]
    assert answered != given
    assert len(answered) == 32


async def test_a_request_is_counted_under_its_route_and_not_its_path(client: httpx.AsyncClient) -> None:
    def counted(route: str, status: str) -> float:
        labels = {"service": "tests", "method": "GET", "route": route, "status": status}
        return REGISTRY.get_sample_value("http_requests_total", labels) or 0

    before = counted("/decks/{deck_id}", "200"), counted("unmatched", "404")
    for path in ("/decks/1", "/decks/2", "/x/1", "/x/2", "/health/live"):
        await client.get(path)
    assert (counted("/decks/{deck_id}", "200"), counted("unmatched", "404")) == (before[0] + 2, before[1] + 2)
    assert counted("/decks/1", "200") == 0


async def test_a_request_leaves_one_line_and_a_probe_none(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="chassis.requests")
    await client.get("/decks/1")
    await client.get("/health/live")
    await client.get("/metrics")
    assert [record.getMessage() for record in caplog.records if record.name == "chassis.requests"] == [
        "GET /decks/{deck_id} 200"
    ]


def test_the_document_says_that_errors_are_problem_documents() -> None:
    document = create_app(title="Tests", service="tests", routers=[router], state={}, checks={}).openapi()
    validate(document)
    error = document["paths"]["/decks"]["post"]["responses"]["default"]
    assert error["content"]["application/problem+json"]["schema"]["$ref"].endswith("/ProblemDocument")
    assert "422" not in document["paths"]["/decks"]["post"]["responses"]
    assert document["paths"]["/decks"]["post"]["operationId"] == "make_deck"
    assert not [path for path in document["paths"] if path.startswith(("/health", "/metrics"))]
