"""Every route of the merged OpenAPI, tried as nobody, with a forged token, as another student, and without the role."""

from typing import Any
from uuid import uuid4

import pytest

from .students import Json, SignUp, Student, until

METHODS = ("get", "put", "post", "delete", "patch")


def _operations(routes: Json) -> list[tuple[str, str, Json]]:
    return [
        (method, path, item[method]) for path, item in routes["paths"].items() for method in METHODS if method in item
    ]


def _filled(path: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, f"a new kind of path parameter in {path}: say here what it stands for"
    return path.removeprefix("/api/v1")


def _ids(document: str, session: str, message: str) -> dict[str, str]:
    return {
        "document_id": document,
        "session_id": session,
        "message_id": message,
        "number": "1",
        "user_id": str(uuid4()),
        "notification_id": str(uuid4()),
        "deck_id": str(uuid4()),
        "card_id": str(uuid4()),
        "draft_id": str(uuid4()),
        "import_id": str(uuid4()),
        "export_id": str(uuid4()),
        "name": "nobodys.png",
        "token": uuid4().hex,
    }


FORGED = (
    "Bearer eyJhbGciOiJub25lIiwia2lkIjoiMSJ9.eyJzdWIiOiIwMThmM2IyZS0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEifQ.",
    "Bearer " + "x" * 5000,
    "Basic YWRhOnB3",
    "",
)


@pytest.mark.parametrize("authorization", FORGED, ids=("alg none", "oversized", "basic", "none"))
async def test_no_route_answers_a_caller_that_it_does_not_know(
    student: Student, routes: Json, authorization: str
) -> None:
    headers = {"Authorization": authorization}
    for method, path, operation in _operations(routes):
        if operation["security"] == []:
            continue
        ids = {name: str(uuid4()) for name in _ids("", "", "")} | {"number": "1"}
        answer = await student.http.request(method, _filled(path, ids), headers=headers)
        assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
        assert answer.headers["content-type"].startswith("application/problem+json")


async def test_another_students_things_are_not_there(sign_up: SignUp, routes: Json, sample: bytes) -> None:
    owner, other = await sign_up(), await sign_up()
    document = await owner.ready("memory.pdf", sample)
    session = await owner.study(document["id"])
    message = await owner.ask(session, "What is the testing effect?")
    told = await until(lambda: _told(owner), 10)
    ids = _ids(document["id"], session["id"], message["id"]) | {"notification_id": told["id"]}

    tried = 0
    for method, path, operation in _operations(routes):
        if not any("{" + name + "}" in path for name in ("document_id", "session_id", "message_id", "notification_id")):
            continue
        answer = await other.http.request(method, _filled(path, ids), **_body(operation))
        assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text}"
        tried += 1
    assert tried >= 10
    assert (await owner.http.get(f"/documents/{document['id']}")).status_code == 200
    assert (await owner.http.get(f"/chat/sessions/{session['id']}")).status_code == 200
    assert (await owner.http.get("/notifications")).json()["unread"] >= 1
    assert (await other.http.get("/documents")).json()["items"] == []
    assert (await other.http.get("/notifications")).json()["items"] == []
    assert (await other.http.get("/chat/sessions")).json()["items"] == []
    found = await other.http.post("/search", json={"query": "testing effect", "document_ids": [document["id"]]})
    assert found.status_code == 404 or found.json()["passages"] == []


async def _told(student: Student) -> Json | None:
    """A notification of the student's, once there is one."""
    items: list[Json] = (await student.http.get("/notifications")).json()["items"]
    return items[0] if items else None


async def test_administration_needs_the_role(student: Student, routes: Json) -> None:
    tried = 0
    for method, path, operation in _operations(routes):
        if "/admin/" in path:
            answer = await student.http.request(method, _filled(path, _ids("", "", "")), **_body(operation))
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


def _body(operation: Json) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        return {"files": {"file": ("a.txt", b"text")}}
    return {"json": {"content": "What?"}} if content else {}
