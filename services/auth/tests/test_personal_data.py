"""Leaving, and taking everything along."""

import asyncio
import gzip
import json
from uuid import UUID, uuid4

import pytest
from auth.models import Erasure
from auth.personal_data import SERVICES, PersonalData, Progress

from .auth_service import PASSWORD, Person, Service


async def leave(person: Person, password: str = PASSWORD) -> int:
    answer = await person.client.request("DELETE", "/users/me", headers=person.headers, json={"password": password})
    return answer.status_code


async def erasure(auth: Service, person: Person) -> Erasure | None:
    async with auth.database.transaction() as session:
        return await session.get(Erasure, UUID(person.id))


async def test_who_leaves_is_gone_at_once_and_the_mesh_is_told(auth: Service) -> None:
    ada = await auth.sign_up()
    other = await auth.sign_in(ada)
    assert await leave(ada) == 204
    assert [(await person.get("/users/me")).status_code for person in (ada, other)] == [401, 401]
    assert (await auth.log_in(ada.user["email"])).status_code == 401
    assert (await auth.refresh(ada.refresh_token)).status_code == 401
    told = await auth.events("auth.user.deleted.v1")
    assert [(event["user_id"], event["version"]) for event in told] == [(ada.id, 2)]
    waiting = await erasure(auth, ada)
    assert waiting is not None
    assert (waiting.waiting_for, waiting.finished_at) == (list(SERVICES), None)


async def test_the_address_is_free_again(auth: Service) -> None:
    ada = await auth.sign_up()
    await leave(ada)
    again = await auth.sign_up(email=ada.user["email"])
    assert again.id != ada.id


async def test_a_wrong_password_deletes_nothing(auth: Service) -> None:
    ada = await auth.sign_up()
    assert await leave(ada, "not the password") == 403
    assert (await ada.get("/users/me")).status_code == 200


async def test_leaving_twice_at_once_is_told_once(auth: Service) -> None:
    ada = await auth.sign_up()
    answers = await asyncio.gather(*(leave(ada) for _ in range(3)))
    assert answers.count(204) == 1, answers
    assert len(await auth.events("auth.user.deleted.v1")) == 1


async def test_an_erasure_ends_when_everybody_has_said_so_in_any_order_and_twice(auth: Service) -> None:
    ada = await auth.sign_up()
    await leave(ada)
    for name in [*reversed(SERVICES), *SERVICES]:
        waiting = await erasure(auth, ada)
        assert waiting is not None
        assert (waiting.finished_at is None) == bool(waiting.waiting_for)
        async with auth.database.transaction() as session:
            await Progress(session).erased(name, UUID(ada.id), auth.clock())
    done = await erasure(auth, ada)
    assert done is not None
    assert (done.waiting_for, done.finished_at) == ([], auth.clock())


async def test_a_copy_becomes_ready_part_by_part(auth: Service) -> None:
    ada = await auth.sign_up()
    begun = (await ada.post("/users/me/export")).json()
    assert (begun["ready"], [part["service"] for part in begun["parts"] if part["ready"]]) == (False, ["auth"])
    for name in SERVICES:
        async with auth.database.transaction() as session:
            await Progress(session).exported(name, UUID(begun["id"]))
    done = (await ada.get(f"/users/me/exports/{begun['id']}")).json()
    assert done["ready"]
    assert {part["path"] for part in done["parts"]} == {
        f"/api/v1/users/me/exports/{begun['id']}/{name}" for name in ("auth", *SERVICES)
    }


async def test_auths_part_holds_the_profile_and_no_secret(auth: Service) -> None:
    ada = await auth.sign_up()
    begun = (await ada.post("/users/me/export")).json()
    answer = await ada.get(f"/users/me/exports/{begun['id']}/auth")
    records = [json.loads(line) for line in gzip.decompress(answer.content).decode().splitlines()]
    assert ada.user["email"] in {record.get("email") for record in records}
    assert "argon2" not in json.dumps(records)
    assert {"account", "user_session"} <= {record["table"] for record in records}


async def test_a_copy_is_asked_for_once_an_hour(auth: Service) -> None:
    ada = await auth.sign_up()
    assert (await ada.post("/users/me/export")).status_code == 202
    again = await ada.post("/users/me/export")
    assert (again.status_code, int(again.headers["retry-after"]) > 3000) == (429, True)
    auth.clock.forward(hours=2)
    ada = await auth.sign_in(ada)
    assert (await ada.post("/users/me/export")).status_code == 202


@pytest.mark.parametrize("path", ["/users/me/exports/{}", "/users/me/exports/{}/auth"])
async def test_anothers_copy_is_not_there(auth: Service, path: str) -> None:
    ada, eve = await auth.sign_up(), await auth.sign_up()
    begun = (await ada.post("/users/me/export")).json()
    assert (await eve.get(path.format(begun["id"]))).status_code == 404
    assert (await eve.get(path.format(uuid4()))).status_code == 404


async def test_news_of_an_erasure_that_nobody_asked_for_changes_nothing(auth: Service) -> None:
    async with auth.database.transaction() as session:
        await Progress(session).erased("chat", uuid4(), auth.clock())
        await Progress(session).exported("chat", uuid4())
        assert await PersonalData(session, auth.clock()).exports(uuid4()) == []
