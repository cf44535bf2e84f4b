"""Verifying the address: asked for at sign-up, told to the world once, and carried by tokens from the next refresh on."""

import pytest
from auth.settings import Settings
from chassis.database import Database
from jose import jwt

from .auth_service import Service, TestClock
from .test_mail_links import verify


def says_verified(access_token: str) -> bool:
    return bool(jwt.get_unverified_claims(access_token)["email_verified"])


async def test_signing_up_asks_for_a_mail(auth: Service) -> None:
    person = await auth.sign_up()
    assert not person.user["email_verified"]
    assert not says_verified(person.access_token)
    assert [event["type"] for event in await auth.events()] == ["auth.user.registered.v1", "auth.email.requested.v1"]
    assert len(await auth.links("verify_email")) == 1


async def test_who_opens_the_link_is_verified_and_the_world_is_told_whole(auth: Service) -> None:
    person = await auth.sign_up(email="ada@example.org", time_zone="Europe/Berlin", day_starts_at=5)
    auth.clock.forward(minutes=5)
    assert (await verify(auth, (await auth.links("verify_email"))[0])).status_code == 204
    assert (await person.get("/users/me")).json()["email_verified"] is True
    assert await auth.events("auth.user.email_verified.v1") == [
        {
            "type": "auth.user.email_verified.v1",
            "version": 2,
            "user_id": person.id,
            "email": "ada@example.org",
            "name": "Ada",
            "time_zone": "Europe/Berlin",
            "day_starts_at": 5,
            "roles": ["student"],
            "email_verified": True,
        }
    ]
    await person.patch("/users/me", {"name": "Ada Lovelace"})
    (changed,) = await auth.events("auth.user.profile_changed.v1")
    assert (changed["version"], changed["email_verified"]) == (3, True)


async def test_a_refreshed_token_says_so(auth: Service) -> None:
    person = await auth.sign_up()
    await verify(auth, (await auth.links("verify_email"))[0])
    refreshed = (await auth.refresh(person.refresh_token)).json()
    assert says_verified(refreshed["access_token"])
    assert refreshed["user"]["email_verified"]
    assert says_verified((await auth.log_in(person.user["email"])).json()["access_token"])


async def test_who_is_verified_needs_no_further_mail(auth: Service) -> None:
    person = await auth.sign_up()
    await verify(auth, (await auth.links("verify_email"))[0])
    answer = await person.post("/auth/verify-email/resend")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:studyteddy:problem:email-already-verified")
    assert len(await auth.links("verify_email")) == 1


async def test_further_mails_are_limited_by_account(auth: Service) -> None:
    person, other = await auth.sign_up(), await auth.sign_up()
    statuses = [(await person.post("/auth/verify-email/resend")).status_code for _ in range(4)]
    assert statuses == [202, 202, 202, 429]
    assert (await other.post("/auth/verify-email/resend")).status_code == 202
    auth.clock.forward(minutes=5)
    assert (await person.post("/auth/verify-email/resend")).status_code == 202


@pytest.mark.parametrize("required", [True, False])
async def test_the_named_first_admin_proves_the_address_where_that_is_asked_for(
    database: Database, clock: TestClock, settings: Settings, required: bool
) -> None:
    wanted = {"first_admin_email": "root@example.org", "require_verified_email": required}
    service = Service(database, clock, settings.model_copy(update=wanted))
    person = await service.sign_up(email="root@example.org")
    assert ("admin" in person.user["roles"]) is not required
    await verify(service, (await service.links("verify_email"))[0])
    assert "admin" in (await service.sign_in(person)).user["roles"]
    service.parts.passwords.close()
