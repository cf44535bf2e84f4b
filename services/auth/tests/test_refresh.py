"""Refresh: tokens rotate, reuse ends the family, and an honest client with two tabs or a lost answer is not punished."""

import asyncio

import pytest
from chassis.database import Database

from .auth_service import Service, TestClock


async def test_a_refresh_gives_new_tokens_of_both_kinds(auth: Service) -> None:
    person = await auth.sign_up()
    auth.clock.forward(minutes=14)
    answer = await auth.refresh(person.refresh_token)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    renewed = auth.person(answer)
    assert renewed.refresh_token != person.refresh_token
    assert renewed.user == person.user
    auth.clock.forward(minutes=14)
    assert (await person.get("/users/me")).status_code == 401
    assert (await renewed.get("/users/me")).status_code == 200


async def test_a_chain_of_refreshes_goes_on(auth: Service) -> None:
    person = await auth.sign_up()
    for _ in range(20):
        auth.clock.forward(minutes=15)
        person = auth.person(await auth.refresh(person.refresh_token))
    assert (await person.get("/users/me")).status_code == 200
    (session,) = (await person.get("/users/me/sessions")).json()["items"]
    assert session["current"]


async def test_reuse_after_the_grace_ends_the_family(auth: Service) -> None:
    person = await auth.sign_up()
    renewed = auth.person(await auth.refresh(person.refresh_token))
    auth.clock.forward(seconds=31)
    assert (await auth.refresh(person.refresh_token)).status_code == 401
    assert (await auth.refresh(renewed.refresh_token)).status_code == 401
    assert (await renewed.get("/users/me")).status_code == 401


async def test_reuse_of_a_token_two_steps_old_ends_the_family_at_once(auth: Service) -> None:
    first = await auth.sign_up()
    second = auth.person(await auth.refresh(first.refresh_token))
    third = auth.person(await auth.refresh(second.refresh_token))
    assert (await auth.refresh(first.refresh_token)).status_code == 401
    assert (await auth.refresh(third.refresh_token)).status_code == 401


async def test_reuse_is_seen_weeks_later(auth: Service) -> None:
    person = await auth.sign_up()
    thief = auth.person(await auth.refresh(person.refresh_token))
    for _ in range(4):
        auth.clock.forward(days=7)
        thief = auth.person(await auth.refresh(thief.refresh_token))
    assert (await auth.refresh(person.refresh_token)).status_code == 401
    assert (await auth.refresh(thief.refresh_token)).status_code == 401


async def test_reuse_is_told_and_recorded(auth: Service) -> None:
    person = await auth.sign_up()
    await auth.refresh(person.refresh_token)
    auth.clock.forward(minutes=5)
    await auth.refresh(person.refresh_token)
    (event,) = await auth.events("auth.session.revoked.v1")
    assert (event["reason"], event["user_id"], event["version"]) == ("token_reuse", person.id, 2)
    (entry,) = await auth.rows("SELECT * FROM auth.audit_entry WHERE action = 'session.token_reused'")
    assert str(entry["subject_id"]) == person.id
    assert entry["detail"] == {"session_id": event["session_id"]}


async def test_reuse_in_one_session_leaves_the_others_alone(auth: Service) -> None:
    phone = await auth.sign_up()
    laptop = await auth.sign_in(phone)
    await auth.refresh(phone.refresh_token)
    auth.clock.forward(minutes=1)
    await auth.refresh(phone.refresh_token)
    assert (await auth.refresh(laptop.refresh_token)).status_code == 200


async def test_a_lost_answer_can_be_asked_for_again(auth: Service) -> None:
    person = await auth.sign_up()
    lost = auth.person(await auth.refresh(person.refresh_token))
    auth.clock.forward(seconds=20)
    again = auth.person(await auth.refresh(person.refresh_token))
    assert again.refresh_token == lost.refresh_token
    assert (await again.get("/users/me")).status_code == 200
    assert (await auth.refresh(again.refresh_token)).status_code == 200


async def test_two_tabs_at_once_get_one_successor(auth: Service) -> None:
    person = await auth.sign_up()
    answers = await asyncio.gather(*(auth.refresh(person.refresh_token) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert len(await auth.rows("SELECT 1 FROM auth.refresh_token")) == 2


async def test_the_grace_ends_when_the_successor_is_used(auth: Service) -> None:
    person = await auth.sign_up()
    successor = auth.person(await auth.refresh(person.refresh_token))
    await auth.refresh(successor.refresh_token)
    assert (await auth.refresh(person.refresh_token)).status_code == 401
    (event,) = await auth.events("auth.session.revoked.v1")
    assert event["reason"] == "token_reuse"


async def test_a_thief_within_the_grace_is_found_out_at_the_next_step(auth: Service) -> None:
    owner = await auth.sign_up()
    owner_next = auth.person(await auth.refresh(owner.refresh_token))
    thief = auth.person(await auth.refresh(owner.refresh_token))
    assert thief.refresh_token == owner_next.refresh_token  # one chain, no fork
    auth.clock.forward(minutes=15)
    assert (await auth.refresh(thief.refresh_token)).status_code == 200
    auth.clock.forward(minutes=1)
    assert (await auth.refresh(owner_next.refresh_token)).status_code == 401
    assert len(await auth.events("auth.session.revoked.v1")) == 1


async def test_the_successor_does_not_rest_in_clear(auth: Service) -> None:
    person = await auth.sign_up()
    successor = auth.person(await auth.refresh(person.refresh_token))
    assert successor.refresh_token not in str(await auth.rows("SELECT * FROM auth.refresh_token"))


async def test_without_a_grace_each_repetition_is_reuse(auth: Service, database: Database, clock: TestClock) -> None:
    strict = Service(database, clock, auth.settings.model_copy(update={"refresh_grace_seconds": 0}))
    person = await strict.sign_up()
    assert (await strict.refresh(person.refresh_token)).status_code == 200
    assert await auth.rows("SELECT 1 FROM auth.refresh_token WHERE successor_sealed IS NOT NULL") == []
    assert (await strict.refresh(person.refresh_token)).status_code == 401
    strict.parts.passwords.close()


async def test_another_process_continues_the_session(auth: Service, database: Database, clock: TestClock) -> None:
    person = await auth.sign_up()
    other = Service(database, clock, auth.settings)
    renewed = other.person(await other.refresh(person.refresh_token), other.client)
    assert (await renewed.get("/users/me")).status_code == 200
    assert (await person.get("/users/me")).status_code == 200
    other.parts.passwords.close()


async def test_an_unused_session_ends_after_thirty_days(auth: Service) -> None:
    person = await auth.sign_up()
    auth.clock.forward(days=30)
    assert (await auth.refresh(person.refresh_token)).status_code == 401
    assert await auth.events("auth.session.revoked.v1") == []


async def test_a_session_in_use_ends_after_its_longest_life(auth: Service) -> None:
    person = await auth.sign_up()
    for _ in range(8):
        auth.clock.forward(days=20)
        person = auth.person(await auth.refresh(person.refresh_token))
    auth.clock.forward(days=20)
    assert (await auth.refresh(person.refresh_token)).status_code == 401


@pytest.mark.parametrize("token", ["x", "strt_" + "A" * 43, "strt_\u00fc", "\u0000", "é" * 200])
async def test_a_made_up_token_is_refused(auth: Service, token: str) -> None:
    answer = await auth.refresh(token)
    assert answer.status_code == 401
    assert answer.json()["type"].endswith(":refresh-refused")


@pytest.mark.parametrize("token", ["", "x" * 201])
async def test_what_cannot_be_a_token_is_a_problem(auth: Service, token: str) -> None:
    assert (await auth.refresh(token)).status_code == 422


async def test_an_access_token_is_no_refresh_token(auth: Service) -> None:
    person = await auth.sign_up()
    assert (await auth.refresh(person.access_token[:200])).status_code == 401
    assert (
        await auth.client.get("/users/me", headers={"Authorization": f"Bearer {person.refresh_token}"})
    ).status_code == 401


async def test_roles_are_read_again_at_each_refresh(auth: Service) -> None:
    person = await auth.sign_up()
    await auth.execute("UPDATE auth.account SET roles = '{admin,student}'")
    renewed = auth.person(await auth.refresh(person.refresh_token))
    assert renewed.user["roles"] == ["admin", "student"]
    assert (await renewed.get("/admin/users")).status_code == 200


async def test_a_refresh_and_a_logout_at_once_leave_no_live_token(auth: Service) -> None:
    for _ in range(5):
        person = await auth.sign_up()
        refreshed, left = await asyncio.gather(auth.refresh(person.refresh_token), person.post("/auth/logout"))
        assert left.status_code == 204
        if refreshed.status_code == 200:
            renewed = auth.person(refreshed)
            assert (await renewed.get("/users/me")).status_code == 401
            assert (await auth.refresh(renewed.refresh_token)).status_code == 401
