"""Signing keys: published before they sign, published until nobody needs them, the same in every process."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from auth.app import parts_of
from auth.keys_in_use import READ_AGAIN
from auth.ledgers import LocalLedger
from auth.models import SealedKey
from auth.settings import LONGEST_ACCESS_TOKEN
from auth.signing_keys import SKEW, NoSigningKey, outlived, signer
from auth.upkeep import Upkeep
from chassis.database import Database
from chassis.identity import TokenVerifier
from chassis.sealing import KeyRing, SealBroken
from chassis.tokens import key_id_of
from devstack.waiting import until
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from .auth_service import Service, TestClock

START = datetime(2026, 1, 1, tzinfo=UTC)
LEAD = timedelta(minutes=10)


def key(name: str, *, created: timedelta, lead: timedelta = LEAD) -> SealedKey:
    return SealedKey(
        id=name, public_jwk={}, private_sealed="", created_at=START + created, signs_from=START + created + lead
    )


@given(st.lists(st.integers(1, 60 * 24 * 40), min_size=1, max_size=8), st.integers(0, 60 * 24 * 400))
def test_whatever_the_history_no_valid_token_loses_its_key(gaps: list[int], after: int) -> None:
    """Retention drops no key that signed a token within the longest life of one; the signer is never dropped."""
    created, keys = timedelta(0), []
    for number, gap in enumerate(gaps):
        keys.append(key(str(number), created=created, lead=LEAD if number else timedelta(0)))
        created += timedelta(minutes=gap)
    now = START + timedelta(minutes=after)
    known = [k for k in keys if k.created_at <= now]
    gone = {k.id for k in outlived(known, now, LONGEST_ACCESS_TOKEN)}
    assert signer(known, now).id not in gone
    for minute in range(int(LONGEST_ACCESS_TOKEN.total_seconds()) // 60 + 1):
        signed_at = now - timedelta(minutes=minute)
        if signed_at >= START:
            assert signer(known, signed_at).id not in gone


@given(st.lists(st.integers(0, 60 * 24 * 40), min_size=2, max_size=8))
def test_no_key_signs_before_it_was_published_for_the_lead(gaps: list[int]) -> None:
    created, keys = timedelta(0), []
    for number, gap in enumerate(gaps):
        keys.append(key(str(number), created=created, lead=LEAD if number else timedelta(0)))
        created += timedelta(minutes=gap)
    for _, later in pairwise(keys):
        moment = later.created_at + LEAD - timedelta(seconds=1)
        assert signer([k for k in keys if k.created_at <= moment], moment) is not later


def test_no_key_signs_when_none_has_begun() -> None:
    with pytest.raises(NoSigningKey):
        signer([key("only", created=timedelta(0))], START)


async def jwks(service: Service) -> list[dict[str, Any]]:
    answer = await service.client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    keys: list[dict[str, Any]] = answer.json()["keys"]
    return keys


def ids(keys: Sequence[dict[str, Any]]) -> set[str]:
    return {str(key["kid"]) for key in keys}


def upkeep_of(service: Service) -> Upkeep:
    return Upkeep(service.settings, service.database, service.parts.ring, service.clock)


async def test_published_keys_are_public_halves_for_signatures(auth: Service) -> None:
    (published,) = await jwks(auth)
    assert set(published) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (published["kty"], published["crv"], published["use"], published["alg"]) == ("EC", "P-256", "sig", "ES256")
    (row,) = await auth.rows("SELECT * FROM auth.signing_key")
    assert "PRIVATE KEY" not in str(row)
    assert "PRIVATE KEY" in auth.parts.ring.open(row["private_sealed"])


async def test_processes_that_start_at_once_agree_on_the_first_key(
    auth: Service, database: Database, clock: TestClock
) -> None:
    several = [Service(database, clock, auth.settings) for _ in range(5)]
    assert len({next(iter(ids(keys))) for keys in await asyncio.gather(*map(jwks, several))}) == 1
    assert len(await auth.rows("SELECT 1 FROM auth.signing_key")) == 1


async def test_a_new_key_is_published_everywhere_before_anybody_signs_with_it(
    auth: Service, database: Database, clock: TestClock
) -> None:
    other = Service(database, clock, auth.settings)
    (first,) = ids(await jwks(auth))
    await jwks(other)
    await upkeep_of(auth).rotate_now()
    clock.forward(seconds=READ_AGAIN.total_seconds())
    assert len(ids(await jwks(auth))) == 2
    assert ids(await jwks(other)) == ids(await jwks(auth))
    (second,) = ids(await jwks(auth)) - {first}
    assert key_id_of((await other.sign_up()).access_token) == first
    clock.forward(seconds=auth.settings.key_publish_lead_seconds)
    for service in (auth, other):
        assert key_id_of((await service.sign_up()).access_token) == second


async def test_tokens_of_the_old_key_go_on_until_they_expire_and_then_it_goes(auth: Service, clock: TestClock) -> None:
    upkeep = upkeep_of(auth)
    (first,) = ids(await jwks(auth))
    await upkeep.rotate_now()
    clock.forward(seconds=auth.settings.key_publish_lead_seconds - 1)
    last_of_the_old = await auth.sign_up()
    assert key_id_of(last_of_the_old.access_token) == first
    clock.forward(minutes=14)
    await upkeep.rotate_if_due()
    assert (await last_of_the_old.get("/users/me")).status_code == 200
    assert first in ids(await jwks(auth))
    clock.forward(seconds=(LONGEST_ACCESS_TOKEN + SKEW).total_seconds())
    await upkeep.rotate_if_due()
    clock.forward(seconds=READ_AGAIN.total_seconds())
    assert first not in ids(await jwks(auth))
    assert len(await jwks(auth)) == 1


async def test_a_verifier_elsewhere_follows_a_rotation_without_restart(auth: Service, clock: TestClock) -> None:
    verifier = TokenVerifier(auth.parts.keys, clock=clock)
    await verifier.verify((await auth.sign_up()).access_token)
    await upkeep_of(auth).rotate_now()
    clock.forward(seconds=auth.settings.key_publish_lead_seconds)
    person = await auth.sign_up()
    assert str((await verifier.verify(person.access_token)).user_id) == person.id


async def test_schedulers_rotate_once_when_the_key_is_old(auth: Service, clock: TestClock) -> None:
    await jwks(auth)
    clock.forward(days=auth.settings.key_rotation_days, seconds=-1)
    await upkeep_of(auth).rotate_if_due()
    assert len(await auth.rows("SELECT 1 FROM auth.signing_key")) == 1
    clock.forward(seconds=1)
    await asyncio.gather(*(upkeep_of(auth).rotate_if_due() for _ in range(3)))
    assert len(await auth.rows("SELECT 1 FROM auth.signing_key")) == 2
    assert len(await auth.rows("SELECT 1 FROM auth.audit_entry WHERE action = 'signing_key.added'")) == 2


async def test_a_scheduler_that_is_first_makes_the_first_key(auth: Service) -> None:
    await upkeep_of(auth).rotate_if_due()
    assert key_id_of((await auth.sign_up()).access_token) in ids(await jwks(auth))


async def test_withdrawing_keys_voids_every_access_token_but_no_session(auth: Service, clock: TestClock) -> None:
    person = await auth.sign_up()
    await upkeep_of(auth).withdraw_keys()
    clock.forward(seconds=READ_AGAIN.total_seconds())
    restarted = Service(auth.database, clock, auth.settings)
    stale = await restarted.client.get("/users/me", headers=person.headers)
    assert stale.status_code == 401
    renewed = restarted.person(await restarted.refresh(person.refresh_token), restarted.client)
    assert (await renewed.get("/users/me")).status_code == 200


async def test_a_running_process_forgets_withdrawn_keys_within_minutes(auth: Service, clock: TestClock) -> None:
    person = await auth.sign_up()
    assert (await person.get("/users/me")).status_code == 200
    clock.forward(minutes=4)
    await upkeep_of(auth).withdraw_keys()
    clock.forward(minutes=1)
    await person.get("/users/me")  # starts the renewal of the set behind the scenes

    async def refused() -> bool:
        return (await person.get("/users/me")).status_code == 401

    await until(refused)


async def test_the_key_ring_rotates_under_the_signing_keys(auth: Service, database: Database, clock: TestClock) -> None:
    person = await auth.sign_up()
    old = auth.settings.key_ring.get_secret_value()
    newer = auth.settings.model_copy(update={"key_ring": SecretStr(f"2:{'B' * 43}=,{old}")})
    assert (await Service(database, clock, newer).refresh(person.refresh_token)).status_code == 200


async def test_a_process_with_a_foreign_key_ring_is_not_ready(
    auth: Service, database: Database, clock: TestClock
) -> None:
    await auth.sign_up()
    foreign = auth.settings.model_copy(update={"key_ring": SecretStr(f"9:{'B' * 43}=")})
    stranger = Service(database, clock, foreign)
    ready = await stranger.client.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["failures"] == {"signing keys": "SealBroken"}
    with pytest.raises(SealBroken):
        await parts_of(foreign, database, LocalLedger(), clock).keys.signer()
    assert isinstance(stranger.parts.ring, KeyRing)
