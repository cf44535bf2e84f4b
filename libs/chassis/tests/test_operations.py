"""The door for operators: open to the command line `mesh`, and to nobody else."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from chassis.database import Database
from chassis.http import create_app
from chassis.identity import TokenVerifier
from mesh import Operations

from .signing import Keys, StillClock, claims, new_key

ONE = new_key()
WISH = {"to": "board.pin", "types": ["tests.note.pinned.v1"], "snapshot": True}


def token(**other: Any) -> dict[str, str]:
    said = claims(**{"sub": "service:mesh", "sid": None, "aud": "tests"} | other)
    return {"Authorization": f"Bearer {ONE.sign(said)}"}


@pytest.fixture
async def client(database_url: str, amqp_url: str) -> AsyncIterator[httpx.AsyncClient]:
    database = Database(database_url, schema="public")
    state = {"verifier": TokenVerifier(Keys(ONE), clock=StillClock())}
    operations = Operations("tests", database=database, amqp_url=amqp_url)
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
async def test_nobody_else_is(client: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    answer = await client.post("/internal/mesh/republish", json=WISH, headers=headers)
    assert answer.status_code == status


async def test_wish_that_makes_no_sense_is_refused_in_words(client: httpx.AsyncClient) -> None:
    answer = await client.post("/internal/mesh/republish", json=WISH | {"aggregate": "a"}, headers=token())
    assert answer.status_code == 422
    assert "give snapshot, or since and aggregate" in answer.text


async def test_door_is_no_part_of_the_documentation(client: httpx.AsyncClient) -> None:
    application = client._transport.app  # type: ignore[attr-defined]  # httpx has no other way to it
    assert not [path for path in application.openapi()["paths"] if "internal" in path]
