"""The user's own profile: read, changed, and told to the world whole, with a version that counts."""

import asyncio
from typing import Any

import pytest

from .auth_service import Service


async def test_a_change_is_kept_and_told_whole(auth: Service) -> None:
    person = await auth.sign_up(email="ada@example.org")
    answer = await person.patch("/users/me", {"time_zone": "America/Sao_Paulo", "day_starts_at": 6})
    assert answer.status_code == 200
    assert answer.json() == person.user | {"time_zone": "America/Sao_Paulo", "day_starts_at": 6}
    assert (await person.get("/users/me")).json() == answer.json()
    assert await auth.events("auth.user.profile_changed.v1") == [
        {
            "type": "auth.user.profile_changed.v1",
            "version": 2,
            "user_id": person.id,
            "email": "ada@example.org",
            "name": "Ada",
            "time_zone": "America/Sao_Paulo",
            "day_starts_at": 6,
            "roles": ["student"],
            "email_verified": False,
        }
    ]


@pytest.mark.parametrize(
    "body", [{}, {"name": "Ada"}, {"name": None}, {"time_zone": "Europe/Berlin", "day_starts_at": 4}]
)
async def test_a_change_of_nothing_tells_nothing(auth: Service, body: dict[str, Any]) -> None:
    person = await auth.sign_up()
    assert (await person.patch("/users/me", body)).json() == person.user
    assert await auth.events("auth.user.profile_changed.v1") == []


async def test_day_can_start_at_midnight(auth: Service) -> None:
    person = await auth.sign_up()
    assert (await person.patch("/users/me", {"day_starts_at": 0})).json()["day_starts_at"] == 0


async def test_changes_at_once_are_numbered_one_after_the_other(auth: Service) -> None:
    person = await auth.sign_up()
    answers = await asyncio.gather(*(person.patch("/users/me", {"name": f"Ada {n}"}) for n in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    events = await auth.events("auth.user.profile_changed.v1")
    assert [event["version"] for event in events] == [2, 3, 4, 5, 6, 7]
    assert (await person.get("/users/me")).json()["name"] == events[-1]["name"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"roles": ["admin"]}, "roles"),
        ({"email": "eve@example.org"}, "email"),
        ({"id": "1"}, "id"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"day_starts_at": 24}, "day_starts_at"),
        ({"day_starts_at": "4h"}, "day_starts_at"),
    ],
)
async def test_what_cannot_be_changed_so_is_named(auth: Service, body: dict[str, Any], field: str) -> None:
    person = await auth.sign_up()
    answer = await person.patch("/users/me", body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await person.get("/users/me")).json() == person.user


async def test_nobody_sees_a_password_hash(auth: Service) -> None:
    admin = await auth.admin()
    for path in ("/users/me", "/users/me/sessions", "/admin/users", "/admin/audit"):
        assert "argon2" not in (await admin.get(path)).text
