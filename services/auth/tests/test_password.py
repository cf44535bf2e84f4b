"""Another password: by mail for who has forgotten it, and for who knows the present one."""

import asyncio
from time import perf_counter

import pytest

from .auth_service import PASSWORD, Person, Service
from .test_mail_links import NEW, ask_for, forget, reset


async def change(person: Person, current: str = PASSWORD, new: str = NEW) -> int:
    return (await person.post("/auth/password/change", {"current": current, "new": new})).status_code


async def test_a_reset_sets_the_password_and_ends_every_session(auth: Service) -> None:
    phone = await auth.sign_up()
    laptop = await auth.sign_in(phone)
    answer = await reset(auth, await ask_for(auth, phone, "reset_password"))
    assert answer.status_code == 204
    assert answer.headers["x-studyteddy-revoked"].count(";") == 2
    assert {event["reason"] for event in await auth.events("auth.session.revoked.v1")} == {"password_changed"}
    for device in (phone, laptop):
        assert (await device.get("/users/me")).status_code == 401
        assert (await auth.refresh(device.refresh_token)).status_code == 401
    assert (await auth.log_in(phone.user["email"])).status_code == 401
    assert (await auth.log_in(phone.user["email"], NEW)).status_code == 200


async def test_a_reset_verifies_the_address_that_its_mail_was_read_at(auth: Service) -> None:
    person = await auth.sign_up()
    await reset(auth, await ask_for(auth, person, "reset_password"))
    assert (await auth.log_in(person.user["email"], NEW)).json()["user"]["email_verified"]
    assert len(await auth.events("auth.user.email_verified.v1")) == 1


async def test_a_reset_is_written_to_the_audit_log(auth: Service) -> None:
    person = await auth.sign_up()
    await reset(auth, await ask_for(auth, person, "reset_password"))
    (entry,) = await auth.rows("SELECT * FROM auth.audit_entry WHERE action = 'user.password_reset'")
    assert (str(entry["subject_id"]), entry["address"]) == (person.id, "203.0.113.7")


async def test_an_easy_password_does_not_use_the_link_up(auth: Service) -> None:
    person = await auth.sign_up()
    token = await ask_for(auth, person, "reset_password")
    for easy in ("short", "password123!", person.user["email"]):
        assert (await reset(auth, token, easy)).json()["type"].endswith(":weak-password")
    assert (await auth.log_in(person.user["email"])).status_code == 200
    assert (await reset(auth, token)).status_code == 204


async def test_who_has_reset_the_password_is_not_made_to_wait_for_earlier_slips(auth: Service) -> None:
    person = await auth.sign_up()
    for _ in range(6):
        slip = await auth.log_in(person.user["email"], "what was it again")
    assert slip.status_code == 429
    await reset(auth, await ask_for(auth, person, "reset_password"))
    assert (await auth.log_in(person.user["email"], NEW)).status_code == 200


async def test_nobody_learns_who_has_an_account(auth: Service) -> None:
    person = await auth.sign_up()
    known, unknown = await forget(auth, person.user["email"]), await forget(auth, auth.email())
    assert known.status_code == unknown.status_code == 202
    assert known.content == unknown.content
    assert dict(known.headers) | {"x-request-id": ""} == dict(unknown.headers) | {"x-request-id": ""}
    assert len(await auth.links("reset_password")) == 1


async def test_the_time_of_the_answer_tells_nothing_either(auth: Service) -> None:
    async def seconds(email: str) -> float:
        started = perf_counter()
        assert (await forget(auth, email)).status_code == 202
        return perf_counter() - started

    people = [await auth.sign_up() for _ in range(5)]
    known = [await seconds(person.user["email"]) for person in people]
    unknown = [await seconds(auth.email()) for _ in people]
    assert min(known + unknown) >= 0.25
    assert abs(min(known) - min(unknown)) < 0.1  # the quickest of each: others may have waited for the machine


async def test_a_suspended_account_is_sent_no_mail_and_nobody_learns_it(auth: Service) -> None:
    person, admin = await auth.sign_up(), await auth.admin()
    await admin.patch(f"/admin/users/{person.id}", {"suspended": True})
    assert (await forget(auth, person.user["email"])).status_code == 202
    assert await auth.links("reset_password") == []


async def test_mails_are_limited_alike_whether_there_is_an_account_or_not(auth: Service) -> None:
    for email in ((await auth.sign_up()).user["email"], auth.email()):
        answers = await asyncio.gather(*(forget(auth, email) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [202, 202, 202, 429]


async def test_an_address_cannot_fill_everybodys_mailbox(auth: Service) -> None:
    answers = await asyncio.gather(*(forget(auth, auth.email()) for _ in range(31)))
    assert sorted(answer.status_code for answer in answers) == [202] * 30 + [429]


async def test_changing_the_password_ends_every_other_session(auth: Service) -> None:
    laptop = await auth.sign_up()
    phone = await auth.sign_in(laptop)
    assert await change(laptop) == 204
    assert (await laptop.get("/users/me")).status_code == 200
    assert (await auth.refresh(laptop.refresh_token)).status_code == 200
    assert (await phone.get("/users/me")).status_code == 401
    assert (await auth.log_in(laptop.user["email"])).status_code == 401
    assert (await auth.log_in(laptop.user["email"], NEW)).status_code == 200
    assert len(await auth.rows("SELECT 1 FROM auth.audit_entry WHERE action = 'user.password_changed'")) == 1


async def test_a_change_voids_a_link_that_was_sent_before(auth: Service) -> None:
    person = await auth.sign_up()
    token = await ask_for(auth, person, "reset_password")
    assert await change(person) == 204
    assert (await reset(auth, token, "a third calm sea")).status_code == 410


async def test_who_does_not_know_the_password_cannot_change_it_and_guesses_are_limited(auth: Service) -> None:
    person = await auth.sign_up()
    assert [await change(person, current="not this one") for _ in range(6)] == [403] * 5 + [429]
    assert (await auth.log_in(person.user["email"], NEW)).status_code == 429
    auth.clock.forward(minutes=1)
    assert (await auth.log_in(person.user["email"])).status_code == 200


@pytest.mark.parametrize("new", ["short", "password123!"])
async def test_an_easy_new_password_is_refused(auth: Service, new: str) -> None:
    assert await change(await auth.sign_up(), new=new) == 422


async def test_two_changes_at_once_do_not_both_happen(auth: Service) -> None:
    laptop = await auth.sign_up()
    phone = await auth.sign_in(laptop)
    statuses = await asyncio.gather(change(laptop, new="a first calm sea"), change(phone, new="a second calm sea"))
    assert statuses.count(204) == 1
    assert set(statuses) - {204} <= {401, 403, 503}
