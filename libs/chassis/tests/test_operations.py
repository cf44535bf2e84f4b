"""The door for operators: open to the command line `mesh`, and to nobody else."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from chassis.database import Database
from chassis.http import create_app
from chassis.identity import TokenVerifier
from mesh import Operations, tables
from mesh.inventories import Inventories
from sqlalchemy import Integer, MetaData, literal, null, select

from .signing import Keys, StillClock, claims, new_key

ONE = new_key()
WISH = {"to": "board.pin", "types": ["tests.note.pinned.v1"], "since": "2026-11-01T00:00:00Z"}
DOORS = [
    ("POST", "/republish", WISH),
    ("GET", "", None),
    ("POST", "/inventory", {"name": "lamp"}),
    ("GET", "/outbox", None),
    ("POST", "/sent", {"types": [], "since": 3600}),
    ("POST", "/missing", {"consumer": "tests.see", "ids": []}),
]
METADATA = MetaData()
tables(METADATA)


def token(**other: Any) -> dict[str, str]:
    said = claims(**{"sub": "service:mesh", "sid": None, "aud": "tests"} | other)
    return {"Authorization": f"Bearer {ONE.sign(said)}"}


@pytest.fixture
async def client(database_url: str, amqp_url: str) -> AsyncIterator[httpx.AsyncClient]:
    database = Database(database_url, schema="public")
    state = {"verifier": TokenVerifier(Keys(ONE), clock=StillClock())}
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    inventories = Inventories()
    inventories.owns("lamp", select(literal(UUID(int=1)), null().cast(Integer), literal("lit")))
    operations = Operations("tests", database=database, amqp_url=amqp_url, inventories=inventories)
    app = create_app(title="Tests", service="tests", routers=[], state=state, checks={}, operations=operations)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tests") as client:
        yield client
    await database.close()


async def test_operator_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.post("/internal/mesh/republish", json=WISH, headers=token())
    assert (answer.status_code, answer.json()) == (200, {"events": {}, "next": None})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        (token(aud="chat"), 401),
        (token(sub="service:chat"), 403),
        (token(sub="service:meshes"), 403),
        (token(**claims()), 401),
    ],
    ids=["nobody", "a token for another service", "another service", "a name that begins so", "a user"],
)
@pytest.mark.parametrize(("method", "path", "body"), DOORS, ids=[path or "/" for _, path, _ in DOORS])
async def test_nobody_else_is(
    client: httpx.AsyncClient, headers: dict[str, str], status: int, method: str, path: str, body: Any
) -> None:
    answer = await client.request(method, f"/internal/mesh{path}", json=body, headers=headers)
    assert answer.status_code == status


async def test_auditor_is_answered(client: httpx.AsyncClient) -> None:
    async def asked(method: str, path: str, body: Any = None) -> Any:
        answer = await client.request(method, f"/internal/mesh{path}", json=body, headers=token())
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert (await asked("GET", ""))["inventories"] == [{"name": "lamp", "fact": "lamp", "holds": None, "at": None}]
    assert await asked("POST", "/inventory", {"name": "lamp"}) == [[str(UUID(int=1)), None, "lit"]]
    assert (await asked("GET", "/outbox")) == {"unsent": 0, "oldest_seconds": 0.0}
    assert await asked("POST", "/sent", {"types": [], "since": 3600}) == []
    unknown = str(UUID(int=2))
    assert await asked("POST", "/missing", {"consumer": "tests.see", "ids": [unknown]}) == [unknown]


async def test_inventory_that_there_is_not_is_refused_in_words(client: httpx.AsyncClient) -> None:
    answer = await client.post("/internal/mesh/inventory", json={"name": "users"}, headers=token())
    assert answer.status_code == 404
    assert "There is: lamp" in answer.json()["detail"]


async def test_wish_that_makes_no_sense_is_refused_in_words(client: httpx.AsyncClient) -> None:
    answer = await client.post("/internal/mesh/republish", json=WISH | {"snapshot": True}, headers=token())
    assert answer.status_code == 422
    assert "give snapshot, or since and aggregate" in answer.text


async def test_door_is_no_part_of_the_documentation(client: httpx.AsyncClient) -> None:
    application = client._transport.app  # type: ignore[attr-defined]  # httpx has no other way to it
    assert not [path for path in application.openapi()["paths"] if "internal" in path]
