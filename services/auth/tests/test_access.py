"""Every endpoint as nobody, with a forged token, with a service's token, and with a wrong role."""

from datetime import timedelta
from uuid import uuid4

import pytest
from auth import access_tokens

from .auth_service import Service

PUBLIC = {
    ("POST", "/auth/signup"),
    ("POST", "/auth/login"),
    ("POST", "/auth/refresh"),
    ("GET", "/auth/verify-email"),
    ("POST", "/auth/verify-email"),
    ("POST", "/auth/password/forgot"),
    ("GET", "/auth/password/reset"),
    ("POST", "/auth/password/reset"),
}
INSIDE = {("GET", "/.well-known/jwks.json"), ("POST", "/internal/service-tokens"), ("GET", "/internal/revocations")}
FOR_USERS = [
    ("POST", "/auth/logout"),
    ("POST", "/auth/verify-email/resend"),
    ("POST", "/auth/password/change"),
    ("GET", "/users/me"),
    ("PATCH", "/users/me"),
    ("GET", "/users/me/sessions"),
    ("DELETE", "/users/me/sessions/{session_id}"),
    ("DELETE", "/users/me"),
    ("POST", "/users/me/export"),
    ("GET", "/users/me/exports"),
    ("GET", "/users/me/exports/{export_id}"),
    ("GET", "/users/me/exports/{export_id}/auth"),
]
# What any of them takes.
BODY = {"current": "a calm sea at dawn", "new": "another calm sea", "password": "a calm sea at dawn"}
FOR_ADMINS = [("GET", "/admin/users"), ("PATCH", "/admin/users/{user_id}"), ("GET", "/admin/audit")]


def path_of(template: str) -> str:
    return template.format(session_id=uuid4(), user_id=uuid4(), export_id=uuid4())


def test_the_lists_of_these_tests_are_complete(auth: Service) -> None:
    document = auth.app.openapi()
    said = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert said == PUBLIC | {*FOR_USERS, *FOR_ADMINS}


def test_only_these_endpoints_are_public_and_they_are_limited_apart(auth: Service) -> None:
    document = auth.app.openapi()
    operations = {(m.upper(), path): o for path, item in document["paths"].items() for m, o in item.items()}
    assert {key for key, operation in operations.items() if operation.get("security") == []} == PUBLIC
    assert {key for key, operation in operations.items() if operation.get("x-rate-limit") == "auth"} == PUBLIC


async def test_what_is_inside_is_there_but_not_in_the_document(auth: Service) -> None:
    for method, path in INSIDE:
        assert (await auth.client.request(method, path)).status_code != 404
        assert path not in auth.app.openapi()["paths"]


@pytest.mark.parametrize(("method", "template"), [*FOR_USERS, *FOR_ADMINS])
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x.y.z", "Basic YTpi", "Bearer " + "x" * 5000])
async def test_without_a_token_nobody_enters(
    auth: Service, method: str, template: str, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization is not None else {}
    answer = await auth.client.request(method, path_of(template), headers=headers, json=BODY)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "template"), [*FOR_USERS, *FOR_ADMINS])
async def test_a_services_token_is_no_users(auth: Service, method: str, template: str) -> None:
    person = await auth.sign_up()
    token = (await auth.service_token("auth", act_for=person.id)).json()["access_token"]
    answer = await auth.client.request(
        method, path_of(template), headers={"Authorization": f"Bearer {token}"}, json=BODY
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(("method", "template"), FOR_ADMINS)
async def test_students_do_not_administrate(auth: Service, method: str, template: str) -> None:
    student = await auth.sign_up()
    answer = await auth.client.request(method, path_of(template), headers=student.headers, json={})
    assert answer.status_code == 403
    assert "admin" in answer.json()["detail"]


@pytest.mark.parametrize(("method", "template"), [*FOR_USERS, *FOR_ADMINS])
async def test_a_token_of_a_session_that_never_was_is_refused(auth: Service, method: str, template: str) -> None:
    person, now = await auth.sign_up(), auth.clock()
    token = access_tokens.user_token(
        await auth.parts.keys.signer(),
        user_id=person.user["id"],
        session_id=uuid4(),
        roles=["admin"],
        email_verified=True,
        now=now,
        expires_at=now + timedelta(minutes=5),
    )
    answer = await auth.client.request(
        method, path_of(template), headers={"Authorization": f"Bearer {token}"}, json=BODY
    )
    assert answer.status_code == 401


async def test_a_token_is_not_accepted_after_its_time(auth: Service) -> None:
    person = await auth.sign_up()
    auth.clock.forward(minutes=15)
    assert (await person.get("/users/me")).status_code == 401


@pytest.mark.parametrize("client_says", ["X-User-Id", "X-User", "X-Forwarded-User", "X-Roles"])
async def test_a_header_that_says_who_you_are_says_nothing(auth: Service, client_says: str) -> None:
    person = await auth.sign_up()
    answer = await auth.client.get("/users/me", headers={client_says: person.id})
    assert answer.status_code == 401
