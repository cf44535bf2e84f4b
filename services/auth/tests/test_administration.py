"""Administration: who may, what changes at once, what is written down, and that there is always an admin."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from auth.settings import Settings
from chassis.database import Database

from .auth_service import PASSWORD, Person, Service, TestClock


async def test_users_are_listed_the_newest_first_in_pages(auth: Service) -> None:
    admin = await auth.admin()
    for number in range(5):
        auth.clock.forward(seconds=1)
        await auth.sign_up(email=f"page{number}@example.org")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await admin.get("/admin/users", params=params)).json()
        assert len(page["items"]) <= 2
        seen += [user["email"] for user in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [*(f"page{number}@example.org" for number in (4, 3, 2, 1, 0)), admin.user["email"]]


async def test_users_of_one_moment_are_not_lost_between_pages(auth: Service) -> None:
    admin = await auth.admin()
    for _ in range(4):
        await auth.sign_up()
    first = (await admin.get("/admin/users", params={"limit": 3})).json()
    rest = (await admin.get("/admin/users", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert len({user["id"] for user in first["items"] + rest["items"]}) == 5


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("LOVELACE", {"ada@example.org"}),
        ("grace@", {"grace@example.org"}),
        ("example.org", {"ada@example.org", "grace@example.org", "root"}),
        ("%", set()),
        ("_", set()),
        ("\\", set()),
        ("nobody", set()),
    ],
)
async def test_users_are_found_by_a_part_of_address_or_name(auth: Service, search: str, found: set[str]) -> None:
    admin = await auth.admin()
    await auth.sign_up(email="ada@example.org", name="Ada Lovelace")
    await auth.sign_up(email="grace@example.org", name="Grace Hopper")
    answer = await admin.get("/admin/users", params={"search": search})
    emails = {user["email"] for user in answer.json()["items"]}
    assert {"root" if email == admin.user["email"] else email for email in emails} == found


async def test_users_are_filtered_by_role_and_suspension(auth: Service) -> None:
    admin = await auth.admin()
    student = await auth.sign_up()
    await admin.patch(f"/admin/users/{student.id}", {"suspended": True})

    async def found(**params: Any) -> list[str]:
        return [user["id"] for user in (await admin.get("/admin/users", params=params)).json()["items"]]

    assert await found(role="admin") == [admin.id]
    assert await found(suspended="true") == [student.id]
    assert await found(suspended="false") == [admin.id]
    assert (await admin.get("/admin/users", params={"role": "king"})).status_code == 422
    assert (await admin.get("/admin/users", params={"search": "a\u0000"})).status_code == 422


async def test_other_roles_end_the_sessions_and_are_told(auth: Service) -> None:
    admin, student = await auth.admin(), await auth.sign_up()
    answer = await admin.patch(
        f"/admin/users/{student.id}", {"roles": ["admin", "student"], "reason": "She helps out."}
    )
    assert answer.status_code == 200
    assert answer.json()["roles"] == ["admin", "student"]
    assert (await student.get("/users/me")).status_code == 401
    assert (await auth.refresh(student.refresh_token)).status_code == 401
    (revoked,) = await auth.events("auth.session.revoked.v1")
    assert (revoked["user_id"], revoked["reason"]) == (student.id, "roles_changed")
    (changed,) = await auth.events("auth.user.profile_changed.v1")
    assert (changed["roles"], changed["version"]) == (["admin", "student"], 2)
    again = await auth.sign_in(student)
    assert (await again.get("/admin/users")).status_code == 200


async def test_suspension_ends_every_session_and_keeps_out(auth: Service) -> None:
    admin, phone = await auth.admin(), await auth.sign_up()
    laptop = await auth.sign_in(phone)
    answer = await admin.patch(f"/admin/users/{phone.id}", {"suspended": True})
    assert answer.json()["suspended_at"] is not None
    for device in (phone, laptop):
        assert (await device.get("/users/me")).status_code == 401
        assert (await auth.refresh(device.refresh_token)).status_code == 401
    events = await auth.events("auth.session.revoked.v1")
    assert {event["reason"] for event in events} == {"account_suspended"}
    announced = {entry.partition(";")[0] for entry in answer.headers["x-studyteddy-revoked"].split(", ")}
    assert announced == {event["session_id"] for event in events}
    assert (await auth.log_in(phone.user["email"])).status_code == 403
    assert (await admin.patch(f"/admin/users/{phone.id}", {"suspended": False})).json()["suspended_at"] is None
    assert (await auth.log_in(phone.user["email"])).status_code == 200


async def test_a_suspended_user_signing_in_at_that_moment_stays_out(auth: Service) -> None:
    admin = await auth.admin()
    for _ in range(5):
        student = await auth.sign_up()
        suspended, login = await asyncio.gather(
            admin.patch(f"/admin/users/{student.id}", {"suspended": True}), auth.log_in(student.user["email"])
        )
        assert suspended.status_code == 200
        if login.status_code == 200:
            assert (await auth.person(login).get("/users/me")).status_code == 401


async def test_changes_are_written_down(auth: Service) -> None:
    admin, student = await auth.admin(), await auth.sign_up()
    await admin.patch(f"/admin/users/{student.id}", {"roles": ["admin"], "reason": "Why not"})
    await admin.patch(f"/admin/users/{student.id}", {"suspended": True})
    await admin.patch(f"/admin/users/{student.id}", {"suspended": True})
    await admin.patch(f"/admin/users/{student.id}", {"suspended": False})
    entries = (await admin.get("/admin/audit", params={"user_id": student.id})).json()["items"]
    assert [entry["action"] for entry in entries] == ["user.reinstated", "user.suspended", "user.roles_changed"]
    assert {entry["actor_id"] for entry in entries} == {admin.id}
    assert {entry["address"] for entry in entries} == {"203.0.113.7"}
    assert entries[-1]["detail"] == {"before": ["student"], "after": ["admin"], "reason": "Why not"}


async def test_the_audit_log_is_paged_and_filtered(auth: Service) -> None:
    admin, student = await auth.admin(), await auth.sign_up()
    for suspended in (True, False) * 3:
        await admin.patch(f"/admin/users/{student.id}", {"suspended": suspended})
    seen: list[int] = []
    cursor: str | None = None
    while True:
        params = {"limit": 4, "actor_id": admin.id} | ({"cursor": cursor} if cursor else {})
        page = (await admin.get("/admin/audit", params=params)).json()
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 6
    assert seen == sorted(seen, reverse=True)
    only = (await admin.get("/admin/audit", params={"action": "user.suspended"})).json()["items"]
    assert {entry["action"] for entry in only} == {"user.suspended"}
    for cursor in ("WyJ4Il0", "Wy0xXQ", "WzFlOV0", "WzEsMl0", "W3RydWVd", "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwXQ"):
        assert (await admin.get("/admin/audit", params={"cursor": cursor})).status_code == 422, cursor


async def test_the_last_admin_stays(auth: Service) -> None:
    admin = await auth.admin()
    for body in ({"roles": ["student"]}, {"suspended": True}):
        answer = await admin.patch(f"/admin/users/{admin.id}", body)
        assert answer.status_code == 409
        assert answer.json()["type"].endswith(":last-admin")
    assert (await admin.get("/admin/users")).status_code == 200
    assert await auth.events("auth.session.revoked.v1") == []
    assert await auth.rows("SELECT 1 FROM auth.audit_entry WHERE action LIKE 'user.%'") == []


async def test_two_admins_removing_each_other_leave_one(auth: Service) -> None:
    for _ in range(3):
        one, two = await auth.admin(), await auth.admin()
        await auth.execute(
            "UPDATE auth.account SET roles = '{student}' WHERE id NOT IN (:one, :two)", one=one.id, two=two.id
        )
        answers = await asyncio.gather(
            one.patch(f"/admin/users/{two.id}", {"roles": ["student"]}),
            two.patch(f"/admin/users/{one.id}", {"suspended": True}),
        )
        done, refused = sorted(answer.status_code for answer in answers)
        assert done == 200
        assert refused in {401, 403}  # the session had ended before it was looked at, or after
        admins = "SELECT 1 FROM auth.account WHERE 'admin' = ANY(roles) AND suspended_at IS NULL"
        assert len(await auth.rows(admins)) == 1


async def test_an_admin_who_lost_the_role_is_out_although_the_token_still_says_it(auth: Service) -> None:
    admin = await auth.admin()
    await auth.execute("UPDATE auth.account SET roles = '{student}' WHERE id = :id", id=admin.id)
    for answer in (await admin.get("/admin/users"), await admin.patch(f"/admin/users/{admin.id}", {"suspended": True})):
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"roles": []},
        {"roles": ["king"]},
        {"roles": "admin"},
        {"suspended": "perhaps"},
        {"email": "x@example.org"},
        {"reason": "x" * 501},
    ],
)
async def test_what_cannot_be_changed_so_is_a_problem(auth: Service, body: dict[str, Any]) -> None:
    admin, student = await auth.admin(), await auth.sign_up()
    assert (await admin.patch(f"/admin/users/{student.id}", body)).status_code == 422


@pytest.mark.parametrize("reason", ["a\\u0000b", "half \\ud800"])
async def test_a_reason_that_cannot_be_stored_is_a_problem(auth: Service, reason: str) -> None:
    admin, student = await auth.admin(), await auth.sign_up()
    headers = admin.headers | {"Content-Type": "application/json"}
    body = f'{{"suspended": true, "reason": "{reason}"}}'
    answer = await auth.client.patch(f"/admin/users/{student.id}", content=body, headers=headers)
    assert answer.status_code == 422
    assert (await student.get("/users/me")).status_code == 200


async def test_an_unknown_user_is_not_there(auth: Service) -> None:
    admin = await auth.admin()
    assert (await admin.patch(f"/admin/users/{uuid4()}", {"suspended": True})).status_code == 404


@pytest.fixture
async def founding(database: Database, clock: TestClock, settings: Settings) -> Service:
    """Auth of an operator who named the first admin."""
    return Service(database, clock, settings.model_copy(update={"first_admin_email": "Root@example.org"}))


async def test_the_first_admin_signs_up(founding: Service) -> None:
    root = await founding.sign_up(email="root@EXAMPLE.org")
    assert root.user["roles"] == ["admin", "student"]
    assert (await root.get("/admin/users")).status_code == 200
    (entry,) = (await root.get("/admin/audit", params={"user_id": root.id})).json()["items"]
    assert (entry["action"], entry["actor_id"]) == ("user.first_admin", None)
    profile = [event for event in await founding.events() if event["type"].startswith("auth.user.")]
    assert [event["version"] for event in profile] == [1, 2]


async def test_the_first_admin_who_signed_up_before_becomes_it_by_signing_in(auth: Service, founding: Service) -> None:
    root = await auth.sign_up(email="root@example.org")
    assert root.user["roles"] == ["student"]
    again = await founding.sign_in(Person(root.user, "", "", founding.client))
    assert again.user["roles"] == ["admin", "student"]


async def test_the_setting_makes_nobody_admin_while_there_is_one(auth: Service, founding: Service) -> None:
    await auth.admin()
    root = await founding.sign_up(email="root@example.org")
    assert root.user["roles"] == ["student"]


async def test_others_do_not_become_admin(founding: Service) -> None:
    assert (await founding.sign_up(email="toor@example.org")).user["roles"] == ["student"]
    answer = await founding.client.post(
        "/auth/signup",
        json={"email": "x@example.org", "password": PASSWORD, "name": "X", "roles": ["admin"]},
    )
    assert answer.json()["user"]["roles"] == ["student"]
