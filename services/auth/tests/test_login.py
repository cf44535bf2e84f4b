"""Signing in: what it proves, what it must not tell, and what happens beside it."""

import asyncio
import json
from typing import Any

import pytest
from auth.app import parts_of
from auth.ledgers import LocalLedger
from auth.passwords import Passwords
from chassis.database import Database

from .auth_service import PASSWORD, Service, TestClock


async def test_address_and_password_sign_in(auth: Service) -> None:
    person = await auth.sign_up(email="Ada@example.org")
    answer = await auth.log_in("ada@EXAMPLE.org")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["user"] == person.user
    assert answer.json()["refresh_token"] != person.refresh_token


async def test_a_password_typed_on_another_keyboard_is_the_same(auth: Service) -> None:
    await auth.sign_up(email="ada@example.org", password="caf\u00e9 au lait, s'il te pla\u00eet")
    assert (await auth.log_in("ada@example.org", "cafe\u0301 au lait, s'il te plai\u0302t")).status_code == 200


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/auth/login", {"email": "ada@example.org", "password": "a lone \ud800 surrogate"}),
        ("/auth/signup", {"email": "eve@example.org", "password": "a lone \ud800 surrogate", "name": "Eve"}),
        ("/auth/refresh", {"refresh_token": "a lone \ud800 surrogate"}),
    ],
)
async def test_half_a_surrogate_pair_is_no_secret(auth: Service, path: str, said: dict[str, str]) -> None:
    answer = await auth.client.post(path, content=json.dumps(said), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert "valid Unicode" in answer.json()["detail"]
    assert "surrogate" not in answer.text


async def test_wrong_password_and_unknown_address_get_the_same_answer(auth: Service) -> None:
    await auth.sign_up(email="ada@example.org")
    wrong = await auth.log_in("ada@example.org", "not the password")
    unknown = await auth.log_in("nobody@example.org", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["type"].endswith(":wrong-credentials")
    assert "www-authenticate" in wrong.headers
    telling = {"x-request-id"}
    assert set(wrong.headers.items()) - set(unknown.headers.items()) <= {
        (name, wrong.headers[name]) for name in telling
    }


async def test_an_unknown_address_costs_as_much_work_as_a_wrong_password(
    auth: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.sign_up(email="ada@example.org")
    checked: list[str] = []
    matches = Passwords._matches

    def watched(self: Passwords, kept: str, password: str) -> bool:
        checked.append(kept.rsplit("$", 2)[0])  # algorithm and costs
        return matches(self, kept, password)

    monkeypatch.setattr(Passwords, "_matches", watched)
    await auth.log_in("ada@example.org", "not the password")
    await auth.log_in("nobody@example.org", "not the password")
    assert len(checked) == 2
    assert checked[0] == checked[1]


async def test_attempts_are_limited_alike_with_and_without_an_account(auth: Service) -> None:
    await auth.sign_up(email="ada@example.org")
    seen = []
    for email in ("ada@example.org", "nobody@example.org"):
        answers = [await auth.log_in(email, "not the password") for _ in range(7)]
        seen.append([(answer.status_code, answer.headers.get("retry-after")) for answer in answers])
    assert seen[0] == seen[1]
    assert [status for status, _ in seen[0]] == [401] * 5 + [429] * 2
    assert seen[0][-1][1] == "60"


async def test_a_limit_ends_by_waiting_as_long_as_it_said(auth: Service) -> None:
    await auth.sign_up(email="ada@example.org")
    for _ in range(5):
        await auth.log_in("ada@example.org", "not the password")
    refused = await auth.log_in("ada@example.org")
    assert refused.status_code == 429
    auth.clock.forward(seconds=int(refused.headers["retry-after"]))
    assert (await auth.log_in("ada@example.org")).status_code == 200


async def test_the_right_password_forgives_the_slips_before_it(auth: Service) -> None:
    await auth.sign_up(email="ada@example.org")
    for _ in range(3):
        for _ in range(4):
            assert (await auth.log_in("ada@example.org", "not the password")).status_code == 401
        assert (await auth.log_in("ada@example.org")).status_code == 200


async def test_an_attack_from_everywhere_does_not_lock_the_owner_out_of_a_familiar_place(auth: Service) -> None:
    home = auth.from_address("203.0.113.50")
    await auth.sign_up(home, email="ada@example.org")
    for host in range(30):
        await auth.log_in("ada@example.org", "a guess a guess", auth.from_address(f"198.51.100.{host}"))
    stranger = await auth.log_in("ada@example.org", client=auth.from_address("198.51.100.200"))
    assert stranger.status_code == 429
    assert (await auth.log_in("ada@example.org", client=home)).status_code == 200
    auth.clock.forward(seconds=int(stranger.headers["retry-after"]))
    assert (await auth.log_in("ada@example.org", client=auth.from_address("198.51.100.200"))).status_code == 200


async def test_a_thousand_guesses_at_once_do_not_slip_through(auth: Service) -> None:
    await auth.sign_up(email="ada@example.org")
    answers = await asyncio.gather(*(auth.log_in("ada@example.org", "a guess a guess") for _ in range(100)))
    assert sorted({answer.status_code for answer in answers}) == [401, 429]
    assert sum(answer.status_code == 401 for answer in answers) == 5


async def test_one_address_cannot_try_many_accounts(auth: Service) -> None:
    answers = [await auth.log_in(f"user{number}@example.org", "Summer2026!!") for number in range(55)]
    assert [answer.status_code for answer in answers].count(401) == 50


async def test_a_suspended_user_is_told_so_only_with_the_right_password(auth: Service) -> None:
    person = await auth.sign_up(email="ada@example.org")
    await auth.execute("UPDATE auth.account SET suspended_at = now() WHERE id = :id", id=person.id)
    right, wrong = await auth.log_in("ada@example.org"), await auth.log_in("ada@example.org", "not the password")
    assert (right.status_code, wrong.status_code) == (403, 401)
    assert right.json()["type"].endswith(":account-suspended")


async def test_a_password_hashed_at_other_costs_is_hashed_again(
    auth: Service, database: Database, clock: TestClock
) -> None:
    await auth.sign_up(email="ada@example.org")
    (before,) = await auth.rows("SELECT password_hash FROM auth.account")
    dearer = auth.settings.model_copy(update={"hashing_passes": 3})
    later = Service(database, clock, dearer)
    assert (await later.log_in("ada@example.org", "not the password")).status_code == 401
    assert await auth.rows("SELECT password_hash FROM auth.account") == [before]
    assert (await later.log_in("ada@example.org")).status_code == 200
    (after,) = await auth.rows("SELECT password_hash FROM auth.account")
    assert ",t=3," in after["password_hash"]
    assert (await later.log_in("ada@example.org")).status_code == 200
    later.parts.passwords.close()


async def test_a_password_changed_while_it_was_checked_signs_nobody_in(
    auth: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.sign_up(email="ada@example.org")
    matches = Passwords.matches

    async def slow(self: Passwords, kept: str | None, password: str) -> bool:
        verdict = await matches(self, kept, password)
        await auth.execute("UPDATE auth.account SET password_hash = 'another'")
        return verdict

    monkeypatch.setattr(Passwords, "matches", slow)
    answer = await auth.log_in("ada@example.org")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


async def test_too_many_hashes_at_once_are_shed(auth: Service, database: Database, clock: TestClock) -> None:
    narrow = auth.settings.model_copy(update={"hashing_at_once": 1, "hashing_waiting": 1, "hashing_memory_kib": 8192})
    parts = parts_of(narrow, database, LocalLedger(clock), clock)
    verdicts = await asyncio.gather(
        *(parts.passwords.matches(None, PASSWORD) for _ in range(6)), return_exceptions=True
    )
    refused = [verdict for verdict in verdicts if isinstance(verdict, Exception)]
    assert len(refused) == 4
    assert {getattr(refusal, "status", None) for refusal in refused} == {503}
    assert not await parts.passwords.matches(None, PASSWORD)
    parts.passwords.close()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "ada@example.org"},
        {"email": "ada@example.org", "password": ""},
        {"email": "ada@example.org", "password": "x" * 1025},
        {"email": ["ada@example.org"], "password": PASSWORD},
        [],
        "text",
        None,
    ],
)
async def test_a_request_of_another_form_is_a_problem(auth: Service, body: Any) -> None:
    answer = await auth.client.post("/auth/login", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b'{"email": "\xff"}', b"[" * 100_000, b""])
async def test_a_body_that_is_no_json_is_a_problem(auth: Service, raw: bytes) -> None:
    answer = await auth.client.post("/auth/login", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
