"""Every route of the merged OpenAPI, tried as nobody, with a forged token, as another student, and without the role."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from .belongings import BESIDE, BODIES, MARK, PUBLIC, UNOWNED, Belongings
from .students import Json, SignUp, Student

METHODS = ("get", "put", "post", "delete", "patch")
OWNED = (
    "document_id",
    "session_id",
    "message_id",
    "notification_id",
    "deck_id",
    "card_id",
    "deletion_id",
    "draft_id",
    "import_id",
    "export_id",
)


def _operations(routes: Json) -> list[tuple[str, str, Json]]:
    """Method, path below `/api/v1`, and what the document says of it."""
    return [
        (method, path.removeprefix("/api/v1"), item[method])
        for path, item in routes["paths"].items()
        for method in METHODS
        if method in item
    ]


def _filled(path: str, ids: dict[str, str]) -> str:
    for name, value in (UNOWNED | ids).items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, f"a new kind of path parameter in {path}: say in belongings.py what it stands for"
    return path


def _nothings() -> dict[str, str]:
    """An id for each kind, of a thing that is not there."""
    return {name: str(uuid4()) for name in OWNED}


def _request(method: str, path: str, operation: Json) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        return {"files": {"file": ("a.txt", b"text")}}
    if not content:
        return {}
    assert f"{method} {path}" in BODIES, f"a new route, {method} {path}: say in belongings.py what is sent to it"
    return {"json": BODIES[f"{method} {path}"]}


def _named(operation: Json, routes: Json) -> Iterator[tuple[str, str, bool]]:
    """Where a request may name a thing by its id, beside its path: `json` or `params`, the field, and whether it is a list."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query" and parameter["name"] in OWNED:
            yield "params", parameter["name"], False
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    body = routes["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
    for field in body.get("properties", {}):
        if field.removesuffix("s") in OWNED:
            yield "json", field, field.endswith("s")


FORGED = (
    "Bearer eyJhbGciOiJub25lIiwia2lkIjoiMSJ9.eyJzdWIiOiIwMThmM2IyZS0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEifQ.",
    "Bearer " + "x" * 5000,
    "Basic YWRhOnB3",
    "",
)


def test_only_these_routes_are_public(routes: Json) -> None:
    assert {f"{method} {path}" for method, path, said in _operations(routes) if said["security"] == []} == PUBLIC


@pytest.mark.parametrize("authorization", FORGED, ids=("alg none", "oversized", "basic", "none"))
async def test_no_route_answers_a_caller_that_it_does_not_know(
    student: Student, routes: Json, authorization: str
) -> None:
    headers = {"Authorization": authorization}
    for method, path, _ in _operations(routes):
        if f"{method} {path}" in PUBLIC:
            continue
        answer = await student.http.request(method, _filled(path, _nothings()), headers=headers)
        assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
        assert answer.headers["content-type"].startswith("application/problem+json")


async def test_another_students_things_are_not_there(sign_up: SignUp, routes: Json) -> None:
    owner, other = await sign_up(), await sign_up()
    ids = (await Belongings.of(owner)).ids
    tried = set()
    for method, path, operation in _operations(routes):
        if names := [name for name in OWNED if "{" + name + "}" in path]:
            request = _request(method, path, operation)
            answer = await other.http.request(method, _filled(path, ids), **request)
            assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text}"
            tried |= {*names}
    assert tried == {*OWNED}, "a kind of thing that no route takes any more"
    for place in ("/documents", "/notifications", "/chat/sessions", "/flashcards", "/decks"):
        assert MARK in (await owner.http.get(place)).text, place
        assert MARK not in (await other.http.get(place)).text, place


async def test_another_students_things_are_not_reached_by_naming_them(sign_up: SignUp, routes: Json) -> None:
    owner, other = await sign_up(), await sign_up()
    ids = (await Belongings.of(owner)).ids
    before = [(await owner.http.get(place)).text for place in ("/flashcards", "/decks")]
    own = await Belongings.of(other)
    for method, path, operation in _operations(routes):
        for where, field, several in _named(operation, routes):
            call = f"{method} {path} {field}"
            assert call in BESIDE, f"a new route, {call}: say in belongings.py what else is sent to it"
            foreign = ids[field.removesuffix("s")]
            fields = BESIDE[call] | {field: [foreign] if several else foreign}
            request: dict[str, Any] = {where: fields}
            answer = await other.http.request(method, _filled(path, own.ids), **request)
            reached = answer.status_code != 404 and foreign in answer.text
            assert answer.status_code in (200, 404), f"{call}: {answer.status_code} {answer.text}"
            assert not reached, f"{call}: {answer.status_code} {answer.text}"
    assert [(await owner.http.get(place)).text for place in ("/flashcards", "/decks")] == before


async def test_administration_needs_the_role(student: Student, routes: Json) -> None:
    tried = 0
    for method, path, operation in _operations(routes):
        if "/admin/" in path:
            answer = await student.http.request(method, _filled(path, _nothings()), **_request(method, path, operation))
            assert answer.status_code == 403, f"{method} {path}: {answer.status_code}"
            tried += 1
    assert tried >= 2


@pytest.mark.parametrize(
    "path",
    [
        "/internal/revocations",
        "/internal/search",
        "/.well-known/jwks.json",
        "/nothing",
        "/documents/../internal/search",
    ],
)
async def test_what_is_inside_is_not_reached_from_outside(student: Student, path: str) -> None:
    assert (await student.http.get(path)).status_code in (400, 404, 405)
    assert (await student.http.post(path, json={})).status_code in (400, 404, 405)


async def test_a_token_stops_working_with_its_session(student: Student) -> None:
    assert (await student.http.get("/users/me")).status_code == 200
    out = await student.http.post("/auth/logout", json={"refresh_token": student.tokens["refresh_token"]})
    assert out.status_code in (200, 204)

    assert (await student.http.get("/documents")).status_code == 401
    again = await student.http.post("/auth/refresh", json={"refresh_token": student.tokens["refresh_token"]})
    assert again.status_code == 401
