"""Idempotency keys: what is sent twice happens once, also at once, and both get the same answer."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from chassis.database import Database, SessionDep
from chassis.errors import Conflict
from chassis.http import create_app
from chassis.idempotency import IdempotencyDep, IdempotencyKey, forget_old_keys, idempotency_for, idempotency_table
from chassis.identity import TokenVerifier
from fastapi import APIRouter, Header, Request
from pydantic import BaseModel
from sqlalchemy import Column, Identity, Integer, MetaData, Table, Text, func, insert, select, text
from starlette.responses import Response

from .signing import NOW, USER, Keys, claims, new_key

KEY = new_key()
OTHER_USER = UUID("00000000-0000-4000-8000-000000000009")
metadata = MetaData()
idempotency_table(metadata)
orders = Table("orders", metadata, Column("id", Integer, Identity(), primary_key=True), Column("what", Text))


class Order(BaseModel):
    what: str
    fail: bool = False


class Ordered(BaseModel):
    id: int
    what: str


router = APIRouter()


async def _order(order: Order, session: SessionDep, once: IdempotencyDep) -> Any:
    if (earlier := await once.replay(order)) is not None:
        return earlier
    row = (await session.execute(insert(orders).values(what=order.what).returning(orders.c.id))).one()
    await asyncio.sleep(0.05)  # long enough for a second request to arrive meanwhile
    if order.fail:
        raise Conflict("Sold out.")
    ordered = Ordered(id=row.id, what=order.what)
    await once.remember(ordered)
    return ordered


router.post("/orders", status_code=201, response_model=Ordered)(_order)
router.post("/other-orders", status_code=201, response_model=Ordered)(_order)


@router.post("/slow-orders", status_code=202)
async def order_slowly(
    request: Request, order: Order, key: IdempotencyKey = None, user: Annotated[str, Header()] = str(USER)
) -> Response:
    """Claim in one transaction, and never answer in another: as a process that died between them."""
    database: Database = request.app.state.database
    async with database.transaction() as session:
        once = idempotency_for(request, session, UUID(user), key)
        return await once.replay(order) or Response(status_code=202)


@router.post("/orders-without-a-claim", status_code=201, response_model=Ordered)
async def order_without_a_claim(request: Request, order: Order, key: IdempotencyKey = None) -> Any:
    """Work between two transactions, and claim with the answer."""
    database: Database = request.app.state.database
    async with database.transaction() as session:
        if (earlier := await idempotency_for(request, session, USER, key).answered(order)) is not None:
            return earlier
    await asyncio.sleep(0.05)  # long enough for a second request to arrive meanwhile
    if order.fail:
        raise Conflict("Sold out.")
    async with database.transaction() as session:
        return await _order(order, session, idempotency_for(request, session, USER, key))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, schema="tests", pool_size=10)
    async with database.engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA tests"))
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    state = {"database": database, "verifier": TokenVerifier(Keys(KEY), clock=lambda: NOW)}
    app = create_app(title="T", service="tests", routers=[router], state=state, checks={})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tests") as client:
        yield client


def headers(key: str | None, user: UUID = USER) -> dict[str, str]:
    bearer = {"Authorization": f"Bearer {KEY.sign(claims(sub=str(user)))}"}
    return bearer | ({"Idempotency-Key": key} if key is not None else {})


async def made(database: Database) -> int:
    async with database.transaction() as session:
        return int((await session.execute(select(func.count()).select_from(orders))).scalar_one())


async def test_a_repetition_gets_the_first_answer(client: httpx.AsyncClient, database: Database) -> None:
    first, second = [await client.post("/orders", json={"what": "tea"}, headers=headers("k")) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await made(database) == 1


async def test_requests_at_once_are_one(client: httpx.AsyncClient, database: Database) -> None:
    answers = await asyncio.gather(
        *(client.post("/orders", json={"what": "tea"}, headers=headers("k")) for _ in range(6))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await made(database) == 1


async def test_one_that_waited_for_a_failure_is_the_first_itself(client: httpx.AsyncClient, database: Database) -> None:
    failing = client.post("/orders", json={"what": "tea", "fail": True}, headers=headers("k"))
    answers = await asyncio.gather(failing, client.post("/orders", json={"what": "tea"}, headers=headers("k")))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await made(database) == 1


async def test_a_failure_can_be_tried_again_with_the_same_key(client: httpx.AsyncClient, database: Database) -> None:
    body = {"what": "tea", "fail": True}
    assert [(await client.post("/orders", json=body, headers=headers("k"))).status_code for _ in range(2)] == [409, 409]
    assert await made(database) == 0
    assert (await client.post("/orders", json={"what": "tea"}, headers=headers("k"))).status_code == 201


async def test_what_is_done_before_it_is_claimed_counts_once_too(client: httpx.AsyncClient, database: Database) -> None:
    path = "/orders-without-a-claim"
    failed = await client.post(path, json={"what": "tea", "fail": True}, headers=headers("k"))
    answers = await asyncio.gather(*(client.post(path, json={"what": "tea"}, headers=headers("k")) for _ in range(4)))
    answers.append(await client.post(path, json={"what": "tea"}, headers=headers("k")))
    other = await client.post(path, json={"what": "milk"}, headers=headers("k"))
    assert (failed.status_code, other.status_code) == (409, 409)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await made(database) == 1


async def test_the_same_key_with_another_body_is_refused(client: httpx.AsyncClient, database: Database) -> None:
    await client.post("/orders", json={"what": "tea"}, headers=headers("k"))
    answer = await client.post("/orders", json={"what": "coffee"}, headers=headers("k"))
    assert answer.status_code == 409
    assert answer.json()["type"].endswith(":idempotency-key-reused")
    assert await made(database) == 1


async def test_a_key_belongs_to_one_user_and_one_route(client: httpx.AsyncClient, database: Database) -> None:
    body = {"what": "tea"}
    answers = [
        await client.post("/orders", json=body, headers=headers("k")),
        await client.post("/orders", json=body, headers=headers("k", OTHER_USER)),
        await client.post("/other-orders", json=body, headers=headers("k")),
        await client.post("/orders", json=body, headers=headers("another")),
    ]
    assert len({answer.json()["id"] for answer in answers}) == 4
    assert await made(database) == 4


async def test_without_a_key_each_request_counts(client: httpx.AsyncClient, database: Database) -> None:
    for _ in range(2):
        await client.post("/orders", json={"what": "tea"}, headers=headers(None))
    assert await made(database) == 2


async def test_a_claim_without_an_answer_is_told(client: httpx.AsyncClient) -> None:
    assert (await client.post("/slow-orders", json={"what": "tea"}, headers=headers("k"))).status_code == 202
    again = await client.post("/slow-orders", json={"what": "tea"}, headers=headers("k"))
    assert again.status_code == 409
    assert again.json()["type"].endswith(":idempotency-key-in-use")


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_a_bounded_length(client: httpx.AsyncClient, key: str) -> None:
    assert (await client.post("/orders", json={"what": "tea"}, headers=headers(key))).status_code == 422


async def test_a_body_in_another_order_is_the_same_body(client: httpx.AsyncClient) -> None:
    first = await client.post("/orders", json={"what": "tea", "fail": False}, headers=headers("k"))
    second = await client.post("/orders", json={"fail": False, "what": "tea"}, headers=headers("k"))
    assert first.json() == second.json()


async def test_keys_are_forgotten_after_a_day(client: httpx.AsyncClient, database: Database) -> None:
    await client.post("/orders", json={"what": "tea"}, headers=headers("k"))
    for age, left in ((timedelta(hours=23), 1), (timedelta(hours=25), 0)):
        async with database.transaction() as session:
            await forget_old_keys(session, datetime.now(UTC) + age)
        async with database.transaction() as session:
            assert len((await session.execute(text("SELECT 1 FROM idempotency_key"))).all()) == left
