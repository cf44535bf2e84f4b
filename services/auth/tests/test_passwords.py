"""Which passwords are accepted, and how they are kept."""

import asyncio
import secrets

import pytest
from auth.common_passwords import is_common
from auth.passwords import OWASP_LEAST, HashingCost, Passwords, WeakPassword, require_strong
from hypothesis import given
from hypothesis import strategies as st

CHEAP = HashingCost(memory_kib=8, passes=1)


@pytest.mark.parametrize(
    "password",
    [
        "a calm sea at dawn",
        "correct horse battery",
        "xK9#mQ2$vL",
        "zwei Äpfel und ein Birnbaum",
        "密码密码不是密码也可以吗",
        "8394750261 plus",
        "x" * 5 + "yz!4" * 200,
    ],
)
def test_a_good_password_is_accepted_whatever_it_is_made_of(password: str) -> None:
    require_strong(password, email="ada@example.org")


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "Password1234!",
        "P@ssword2026",
        "qwertyuiop",
        "1234567890",
        "0987654321",
        "iloveyou2024",
        "Summer2026!",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "passwordpassword",
        "1q2w3e4r5t",
        "studyteddy1",
        "StudyTeddy2026",
        "!!!!!!!!!!!1",
        "1111222233",
        "ada@example.org",
        " ada@example.org ",
        "adalovelace",
    ],
)
def test_the_first_guesses_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        require_strong(password, email="adalovelace@example.org" if password == "adalovelace" else "ada@example.org")


def test_random_passwords_are_never_common() -> None:
    assert not any(is_common(secrets.token_urlsafe(12).casefold()) for _ in range(2000))


@given(st.text(min_size=10, max_size=60))
def test_any_text_is_judged_without_failing(password: str) -> None:
    assert is_common(password.casefold()) in {True, False}


async def test_a_hash_is_argon2id_with_the_costs_that_were_asked_for() -> None:
    passwords = Passwords(HashingCost(memory_kib=64, passes=3), at_once=1, waiting=0)
    kept = await passwords.hash("a calm sea at dawn")
    assert kept.startswith("$argon2id$v=19$m=64,t=3,p=1$")
    assert await passwords.matches(kept, "a calm sea at dawn")
    assert not await passwords.matches(kept, "a calm sea at dusk")
    assert not passwords.outdated(kept)
    passwords.close()


async def test_nobodys_password_matches_nothing() -> None:
    passwords = Passwords(CHEAP, at_once=1, waiting=0)
    assert not await passwords.matches(None, "")
    assert not await passwords.matches("not a hash", "a calm sea at dawn")
    passwords.close()


async def test_the_event_loop_goes_on_while_a_password_is_hashed() -> None:
    passwords = Passwords(HashingCost(memory_kib=65536, passes=4), at_once=1, waiting=1)
    hashing = asyncio.create_task(passwords.hash("a calm sea at dawn"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5
    passwords.close()


def test_the_recommended_least_is_told_from_less() -> None:
    assert OWASP_LEAST.at_least(OWASP_LEAST)
    assert not HashingCost(OWASP_LEAST.memory_kib, 1).at_least(OWASP_LEAST)
    assert not HashingCost(1024, 10).at_least(OWASP_LEAST)
