"""Sign-up: what is accepted, what is refused and with which words, and what the world is told."""

import asyncio
import json
from typing import Any

import pytest

from .auth_service import PASSWORD, Service

BODY = {"email": "ada@example.org", "password": PASSWORD, "name": "Ada Lovelace"}


async def test_signing_up_makes_an_account_and_signs_in(auth: Service) -> None:
    answer = await auth.client.post("/auth/signup", json=BODY | {"time_zone": "Asia/Tokyo"})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 900
    assert body["user"] | {"id": "", "created_at": ""} == {
        "id": "",
        "email": "ada@example.org",
        "name": "Ada Lovelace",
        "time_zone": "Asia/Tokyo",
        "day_starts_at": 4,
        "roles": ["student"],
        "email_verified": False,
        "created_at": "",
    }
    me = await auth.person(answer).get("/users/me")
    assert me.json() == body["user"]


async def test_zone_and_start_of_day_have_defaults(auth: Service) -> None:
    user = (await auth.client.post("/auth/signup", json=BODY)).json()["user"]
    assert (user["time_zone"], user["day_starts_at"]) == ("UTC", 4)


async def test_the_world_is_told_the_whole_profile_once(auth: Service) -> None:
    person = await auth.sign_up(email="ada@example.org", time_zone="Europe/Berlin", day_starts_at=5)
    assert await auth.events("auth.user.registered.v1") == [
        {
            "type": "auth.user.registered.v1",
            "version": 1,
            "user_id": person.id,
            "email": "ada@example.org",
            "name": "Ada",
            "time_zone": "Europe/Berlin",
            "day_starts_at": 5,
            "roles": ["student"],
            "email_verified": False,
        }
    ]


async def test_password_and_refresh_token_are_kept_as_hashes(auth: Service) -> None:
    person = await auth.sign_up()
    (account,) = await auth.rows("SELECT * FROM auth.account")
    assert account["password_hash"].startswith("$argon2id$")
    kept = str(await auth.rows("SELECT * FROM auth.refresh_token")) + str(account)
    assert PASSWORD not in kept
    assert person.refresh_token not in kept


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@EXAMPLE.ORG", " Ada@Example.org "])
async def test_a_taken_address_is_refused_in_any_case(auth: Service, email: str) -> None:
    await auth.sign_up(email="Ada@example.org")
    answer = await auth.client.post("/auth/signup", json=BODY | {"email": email})
    assert answer.status_code == 409
    assert answer.json()["type"].endswith(":email-taken")
    assert len(await auth.rows("SELECT 1 FROM auth.account")) == 1


async def test_two_at_once_with_one_address_make_one_account(auth: Service) -> None:
    answers = await asyncio.gather(*(auth.client.post("/auth/signup", json=BODY) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert len(await auth.events("auth.user.registered.v1")) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"email": "ada@localhost"}, "email"),
        ({"email": "a" * 400 + "@example.org"}, "email"),
        ({"email": "ada\u0000@example.org"}, "email"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "Ada\u0000"}, "name"),
        ({"name": "Ada\u202eevil"}, "name"),
        ({"name": None}, "name"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": "localtime"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"day_starts_at": 24}, "day_starts_at"),
        ({"day_starts_at": -1}, "day_starts_at"),
        ({"day_starts_at": 4.5}, "day_starts_at"),
        ({"password": 12345678901}, "password"),
    ],
)
async def test_what_cannot_be_accepted_is_named(auth: Service, change: dict[str, Any], field: str) -> None:
    answer = await auth.client.post("/auth/signup", json=BODY | change)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await auth.rows("SELECT 1 FROM auth.account") == []


@pytest.mark.parametrize(
    "password",
    [
        "",
        "tiny",
        "x" * 9,
        "x" * 1025,
        "aaaaaaaaaaaa",
        "password123!",
        "Qwertyuiop",
        "ada@example.org",
        "ADA@example.ORG",
    ],
)
async def test_an_easy_password_is_refused_without_quoting_it(auth: Service, password: str) -> None:
    answer = await auth.client.post("/auth/signup", json=BODY | {"password": password})
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":weak-password")
    assert not password or password not in answer.text
    assert await auth.rows("SELECT 1 FROM auth.account") == []


async def test_half_a_character_is_refused(auth: Service) -> None:
    body = json.dumps(BODY | {"name": "\ud800"})
    answer = await auth.client.post("/auth/signup", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "name"


async def test_a_name_is_put_on_one_line(auth: Service) -> None:
    person = await auth.sign_up(name="  Ada\n\t Lovelace ")
    assert person.user["name"] == "Ada Lovelace"


async def test_names_of_all_scripts_are_kept(auth: Service) -> None:
    for name in ("山田 太郎", "Søren Ægir", "محمد", "👩\u200d🎓"):
        assert (await auth.sign_up(name=name)).user["name"] == name


async def test_finding_out_who_has_an_account_is_limited(auth: Service) -> None:
    await auth.sign_up(email="ada@example.org")
    statuses = [(await auth.client.post("/auth/signup", json=BODY)).status_code for _ in range(12)]
    assert statuses == [409] * 10 + [429] * 2
    answer = await auth.client.post("/auth/signup", json=BODY)
    assert answer.json()["type"].endswith(":too-many-attempts")
    assert int(answer.headers["retry-after"]) == 360
    elsewhere = await auth.from_address("198.51.100.9").post("/auth/signup", json=BODY)
    assert elsewhere.status_code == 409


async def test_a_class_behind_one_address_can_sign_up(auth: Service) -> None:
    for _ in range(30):
        await auth.sign_up()


async def test_a_lost_answer_is_made_good_by_signing_in(auth: Service) -> None:
    await auth.sign_up(email="ada@example.org")
    again = await auth.client.post("/auth/signup", json=BODY, headers={"Idempotency-Key": "one-and-the-same"})
    assert again.status_code == 409
    assert (await auth.log_in("ada@example.org")).status_code == 200
