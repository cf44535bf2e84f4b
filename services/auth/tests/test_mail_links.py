"""Links in mails: used once, not for long, for one purpose, by whoever reads mail at the address; and sealed on their way."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest

from .auth_service import Person, Service

NEW = "a stormy night at sea"
Open = Callable[[Service, str], Awaitable[httpx.Response]]


async def verify(auth: Service, token: str) -> httpx.Response:
    return await auth.client.post("/auth/verify-email", json={"token": token})


async def reset(auth: Service, token: str, password: str = NEW) -> httpx.Response:
    return await auth.client.post("/auth/password/reset", json={"token": token, "password": password})


async def forget(auth: Service, email: str) -> httpx.Response:
    return await auth.client.post("/auth/password/forgot", json={"email": email})


async def ask_for(auth: Service, person: Person, kind: str) -> str:
    """A fresh link of that kind."""
    if kind == "reset_password":
        assert (await forget(auth, person.user["email"])).status_code == 202
    else:
        assert (await person.post("/auth/verify-email/resend")).status_code == 202
    return (await auth.links(kind))[-1]


BOTH = pytest.mark.parametrize(
    ("kind", "opened"), [("verify_email", verify), ("reset_password", reset)], ids=("verify", "reset")
)


@BOTH
async def test_a_link_is_used_once(auth: Service, kind: str, opened: Open) -> None:
    token = await ask_for(auth, await auth.sign_up(), kind)
    assert (await opened(auth, token)).status_code == 204
    again = await opened(auth, token)
    assert (again.status_code, again.json()["type"]) == (410, "urn:studyteddy:problem:link-void")
    assert await auth.rows("SELECT 1 FROM auth.mail_link WHERE kind = :kind", kind=kind) == []


@BOTH
async def test_of_two_who_use_a_link_at_once_one_wins(auth: Service, kind: str, opened: Open) -> None:
    token = await ask_for(auth, await auth.sign_up(), kind)
    answers = await asyncio.gather(*(opened(auth, token) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [204, 410, 410, 410, 410]
    assert len(await auth.events("auth.user.email_verified.v1")) == 1


@pytest.mark.parametrize(
    ("kind", "opened", "hours"), [("verify_email", verify, 24), ("reset_password", reset, 1)], ids=("verify", "reset")
)
async def test_a_link_expires(auth: Service, kind: str, opened: Open, hours: int) -> None:
    person = await auth.sign_up()
    token = await ask_for(auth, person, kind)
    auth.clock.forward(hours=hours)
    assert (await opened(auth, token)).status_code == 410
    again = await ask_for(auth, await auth.sign_in(person), kind)
    auth.clock.forward(hours=hours, seconds=-1)
    assert (await opened(auth, again)).status_code == 204


@BOTH
async def test_a_new_link_voids_the_one_before_and_none_of_another_kind(auth: Service, kind: str, opened: Open) -> None:
    person = await auth.sign_up()
    tokens = {other: await ask_for(auth, person, other) for other in ("verify_email", "reset_password")}
    newest = await ask_for(auth, person, kind)
    assert (await opened(auth, tokens.pop(kind))).status_code == 410
    (other,) = tokens.values()
    assert (await (reset if kind == "verify_email" else verify)(auth, other)).status_code == 204
    # A reset proves the address: nothing is left to verify.
    assert (await opened(auth, newest)).status_code == (410 if kind == "verify_email" else 204)


async def test_a_link_is_of_no_use_for_another_purpose(auth: Service) -> None:
    person = await auth.sign_up()
    assert (await reset(auth, await ask_for(auth, person, "verify_email"))).status_code == 410
    assert (await verify(auth, await ask_for(auth, person, "reset_password"))).status_code == 410
    assert (await auth.log_in(person.user["email"])).status_code == 200


@BOTH
@pytest.mark.parametrize("token", ["x", "stml_" + "A" * 43, "\U0001f600"])
async def test_what_is_no_link_is_void(auth: Service, kind: str, opened: Open, token: str) -> None:
    await ask_for(auth, await auth.sign_up(), kind)
    assert (await opened(auth, token)).status_code == 410


@BOTH
@pytest.mark.parametrize("token", ["", "x" * 201, None, 5, "\ud800"])
async def test_what_cannot_be_a_token_is_refused(auth: Service, kind: str, opened: Open, token: object) -> None:
    body = json.dumps({"token": token, "password": NEW}).encode()
    path = "/auth/verify-email" if kind == "verify_email" else "/auth/password/reset"
    answer = await auth.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "token")


@BOTH
async def test_a_suspended_accounts_link_does_nothing_until_it_is_reinstated(
    auth: Service, kind: str, opened: Open
) -> None:
    person, admin = await auth.sign_up(), await auth.admin()
    token = await ask_for(auth, person, kind)
    await admin.patch(f"/admin/users/{person.id}", {"suspended": True})
    refused = await opened(auth, token)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:studyteddy:problem:account-suspended")
    await admin.patch(f"/admin/users/{person.id}", {"suspended": False})
    assert (await opened(auth, token)).status_code == 204


@BOTH
async def test_a_link_proves_nothing_about_an_address_that_came_later(auth: Service, kind: str, opened: Open) -> None:
    person = await auth.sign_up()
    token = await ask_for(auth, person, kind)
    statement = "UPDATE auth.account SET email = 'new@example.org', email_key = 'new@example.org' WHERE id = :id"
    await auth.execute(statement, id=person.id)
    assert (await opened(auth, token)).status_code == 410


@BOTH
async def test_links_are_kept_as_hashes_and_travel_sealed(auth: Service, kind: str, opened: Open) -> None:
    person = await auth.sign_up(name="Ada")
    token = await ask_for(auth, person, kind)
    assert len(token) > 40
    kept = str(await auth.rows("SELECT * FROM auth.mail_link")) + str(await auth.rows("SELECT * FROM auth.outbox"))
    assert token not in kept
    event = (await auth.events("auth.email.requested.v1"))[-1]
    link = auth.parts.ring.open(event["sealed_link"])
    page = "/auth/verify-email" if kind == "verify_email" else "/auth/password/reset"
    assert link == f"http://localhost:8080/api/v1{page}#token={token}"
    lifetime = 24 if kind == "verify_email" else 1
    assert event | {"sealed_link": "", "request_id": ""} == {
        "type": "auth.email.requested.v1",
        "version": 1,
        "request_id": "",
        "user_id": person.id,
        "kind": kind,
        "email": person.user["email"],
        "name": "Ada",
        "sealed_link": "",
        "expires_at": f"2026-11-{20 + (lifetime == 24)}T{9 + lifetime % 24:02}:00:00Z",
    }


@BOTH
async def test_links_that_have_expired_are_swept_away(auth: Service, kind: str, opened: Open) -> None:
    from .test_upkeep import upkeep_of  # noqa: PLC0415

    await ask_for(auth, await auth.sign_up(), kind)
    await upkeep_of(auth).drop_expired()
    assert len(await auth.rows("SELECT 1 FROM auth.mail_link WHERE kind = :kind", kind=kind)) == 1
    auth.clock.forward(hours=24)
    await upkeep_of(auth).drop_expired()
    assert await auth.rows("SELECT 1 FROM auth.mail_link") == []


@BOTH
async def test_wrong_links_are_limited_by_address(auth: Service, kind: str, opened: Open) -> None:
    token = await ask_for(auth, await auth.sign_up(), kind)
    statuses = [(await opened(auth, "stml_wrong")).status_code for _ in range(32)]
    assert statuses == [410] * 30 + [429] * 2
    auth.clock.forward(seconds=30)
    assert (await opened(auth, token)).status_code == 204


@pytest.mark.parametrize("path", ["/auth/verify-email", "/auth/password/reset"])
async def test_a_page_waits_for_its_button_and_runs_nothing_but_its_own_script(auth: Service, path: str) -> None:
    person = await auth.sign_up()
    page = await auth.client.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<button>" in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert not (await person.get("/users/me")).json()["email_verified"]
