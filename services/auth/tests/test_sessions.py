"""The user's own sessions: listed, ended one by one, and void at once when they are ended."""

from datetime import datetime, timedelta
from uuid import uuid4

from .auth_service import Service


async def test_logging_out_ends_both_tokens_and_tells_the_gateways(auth: Service) -> None:
    person = await auth.sign_up()
    (session,) = (await person.get("/users/me/sessions")).json()["items"]
    auth.clock.forward(minutes=3)
    answer = await person.post("/auth/logout")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await person.get("/users/me")).status_code == 401
    assert (await auth.refresh(person.refresh_token)).status_code == 401
    (event,) = await auth.events("auth.session.revoked.v1")
    assert event == {
        "type": "auth.session.revoked.v1",
        "version": 2,
        "session_id": session["id"],
        "user_id": person.id,
        "reason": "logout",
        "tokens_expire_at": (auth.clock.now + timedelta(minutes=12)).isoformat().replace("+00:00", "Z"),
    }


async def test_the_gateway_that_was_asked_hears_of_it_in_the_answer(auth: Service) -> None:
    phone = await auth.sign_up()
    laptop, tablet = await auth.sign_in(phone), await auth.sign_in(phone)
    tablet = auth.person(await auth.refresh(tablet.refresh_token))
    await auth.refresh(laptop.refresh_token)
    auth.clock.forward(minutes=1)
    (other,) = [s["id"] for s in (await phone.get("/users/me/sessions")).json()["items"] if s["current"]]
    ended = await tablet.delete(f"/users/me/sessions/{other}")
    until = int((auth.clock.now + timedelta(minutes=14)).timestamp())
    assert ended.headers["x-studyteddy-revoked"] == f"{other};{until}"
    left = await tablet.post("/auth/logout")
    reused = await auth.refresh(laptop.refresh_token)
    announced = [answer.headers["x-studyteddy-revoked"].partition(";")[0] for answer in (ended, left, reused)]
    assert announced == [event["session_id"] for event in await auth.events("auth.session.revoked.v1")]
    assert "x-studyteddy-revoked" not in (await auth.sign_up()).client.headers


async def test_the_address_is_the_one_that_the_gateway_vouches_for(auth: Service) -> None:
    person = await auth.sign_up(auth.from_address("198.51.100.4, 10.0.0.1"))
    (session,) = (await person.get("/users/me/sessions")).json()["items"]
    assert session["address"] == "198.51.100.4"


async def test_logging_out_twice_is_refused_the_second_time(auth: Service) -> None:
    person = await auth.sign_up()
    await person.post("/auth/logout")
    assert (await person.post("/auth/logout")).status_code == 401
    assert len(await auth.events("auth.session.revoked.v1")) == 1


async def test_a_revocation_lasts_as_long_as_the_newest_access_token(auth: Service) -> None:
    person = await auth.sign_up()
    auth.clock.forward(minutes=10)
    await auth.refresh(person.refresh_token)
    await person.post("/auth/logout")
    (event,) = await auth.events("auth.session.revoked.v1")
    assert datetime.fromisoformat(event["tokens_expire_at"]) == auth.clock.now + timedelta(minutes=15)


async def test_sessions_say_where_and_when(auth: Service) -> None:
    phone = await auth.sign_up(auth.from_address("203.0.113.7", "Phone/1"))
    auth.clock.forward(hours=1)
    await auth.sign_in(phone, auth.from_address("2001:db8::7", "Laptop/2"))
    auth.clock.forward(hours=1)
    phone = auth.person(await auth.refresh(phone.refresh_token))
    laptop_row, phone_row = (await phone.get("/users/me/sessions")).json()["items"]
    assert (laptop_row["address"], laptop_row["user_agent"], laptop_row["current"]) == (
        "2001:db8::7",
        "Laptop/2",
        False,
    )
    assert (phone_row["address"], phone_row["user_agent"], phone_row["current"]) == ("203.0.113.7", "Phone/1", True)
    assert datetime.fromisoformat(phone_row["last_used_at"]) - datetime.fromisoformat(
        phone_row["created_at"]
    ) == timedelta(hours=2)


async def test_a_long_user_agent_is_cut(auth: Service) -> None:
    person = await auth.sign_up(auth.from_address("203.0.113.7", "x" * 5000))
    (session,) = (await person.get("/users/me/sessions")).json()["items"]
    assert len(session["user_agent"]) == 300


async def test_sessions_are_paged(auth: Service) -> None:
    person = await auth.sign_up()
    for _ in range(4):
        auth.clock.forward(minutes=1)
        person = await auth.sign_in(person)
    seen, cursor = [], None
    while True:
        page = (
            await person.get("/users/me/sessions", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5


async def test_a_cursor_of_another_list_is_refused(auth: Service) -> None:
    person = await auth.sign_up()
    for cursor in ("WzFd", "x", "WyIyMDI2LTAxLTAxIiwieCJd", "W251bGxd", "é"):
        answer = await person.get("/users/me/sessions", params={"cursor": cursor})
        assert answer.status_code == 422, cursor
        assert "cursor" in answer.json()["detail"]


async def test_a_device_is_signed_out_from_another(auth: Service) -> None:
    phone = await auth.sign_up()
    laptop = await auth.sign_in(phone)
    sessions = (await laptop.get("/users/me/sessions")).json()["items"]
    (other,) = [session["id"] for session in sessions if not session["current"]]
    assert (await laptop.delete(f"/users/me/sessions/{other}")).status_code == 204
    assert (await phone.get("/users/me")).status_code == 401
    assert (await auth.refresh(phone.refresh_token)).status_code == 401
    assert (await laptop.get("/users/me")).status_code == 200
    assert (await laptop.delete(f"/users/me/sessions/{other}")).status_code == 404
    assert len((await laptop.get("/users/me/sessions")).json()["items"]) == 1


async def test_another_users_session_is_not_there(auth: Service) -> None:
    ada, eve = await auth.sign_up(), await auth.sign_up()
    (session,) = (await ada.get("/users/me/sessions")).json()["items"]
    answer = await eve.delete(f"/users/me/sessions/{session['id']}")
    assert answer.status_code == 404
    assert answer.json() == (await eve.delete(f"/users/me/sessions/{session['id']}")).json()
    assert (await ada.get("/users/me")).status_code == 200
    assert session["id"] not in (await eve.get("/users/me/sessions")).text


async def test_an_unknown_or_malformed_session_is_a_problem(auth: Service) -> None:
    person = await auth.sign_up()
    assert (await person.delete(f"/users/me/sessions/{uuid4()}")).status_code == 404
    assert (await person.delete("/users/me/sessions/current")).status_code == 422
