"""Upkeep: what has expired goes, what still matters stays, and a failure of one part does not stop the others."""

import asyncio
from datetime import timedelta

import mesh
import pytest
from auth import retention
from auth.upkeep import Upkeep

from .auth_service import Service


def upkeep_of(service: Service) -> Upkeep:
    return Upkeep(service.settings, service.database, service.parts.ring, service.clock)


async def counts(auth: Service) -> dict[str, int]:
    return {
        table: len(await auth.rows(f"SELECT 1 FROM auth.{table}"))
        for table in ("user_session", "refresh_token", "revocation", "audit_entry")
    }


async def test_nothing_that_matters_is_deleted(auth: Service) -> None:
    person = await auth.sign_up()
    await auth.refresh(person.refresh_token)
    auth.clock.forward(minutes=1)
    await (await auth.sign_in(person)).post("/auth/logout")
    before = await counts(auth)
    await upkeep_of(auth).drop_expired()
    assert await counts(auth) == before


async def test_a_revocation_goes_when_its_tokens_have_expired(auth: Service) -> None:
    await (await auth.sign_up()).post("/auth/logout")
    auth.clock.forward(minutes=15)
    await upkeep_of(auth).drop_expired()
    assert (await counts(auth))["revocation"] == 0


async def test_refresh_tokens_go_when_they_expire_and_sessions_later(auth: Service) -> None:
    await auth.sign_up()
    auth.clock.forward(days=30)
    await upkeep_of(auth).drop_expired()
    after = await counts(auth)
    assert (after["refresh_token"], after["user_session"]) == (0, 1)
    auth.clock.forward(days=auth.settings.keep_ended_sessions_days)
    await upkeep_of(auth).drop_expired()
    assert (await counts(auth))["user_session"] == 0
    assert len(await auth.rows("SELECT 1 FROM auth.account")) == 1


async def test_audit_entries_are_kept_as_long_as_the_setting_says(auth: Service) -> None:
    await auth.sign_up()  # with it the first signing key, which is recorded
    auth.clock.forward(days=auth.settings.keep_audit_days, seconds=-1)
    await upkeep_of(auth).drop_expired()
    assert (await counts(auth))["audit_entry"] == 1
    auth.clock.forward(seconds=1)
    await upkeep_of(auth).drop_expired()
    assert (await counts(auth))["audit_entry"] == 0


async def test_a_call_deletes_a_bounded_number_of_rows(auth: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(3):
        await (await auth.sign_up()).post("/auth/logout")
    auth.clock.forward(days=1)
    for left in (1, 0):
        await upkeep_of(auth).drop_expired()
        assert (await counts(auth))["revocation"] == left


async def test_upkeep_goes_on_when_a_part_fails_and_ends_when_told(
    auth: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop, swept = asyncio.Event(), asyncio.Event()

    async def fail(_: Upkeep) -> None:
        raise ConnectionError("no database")

    async def sweep(_: object, keep: timedelta) -> int:
        swept.set()
        return 0

    fail.__name__ = "drop_expired"
    monkeypatch.setattr(Upkeep, "drop_expired", fail)
    monkeypatch.setattr(mesh, "sweep", sweep)
    monkeypatch.setattr("auth.upkeep.EVERY", timedelta(milliseconds=5))
    running = asyncio.create_task(upkeep_of(auth).run(stop))
    async with asyncio.timeout(10):
        await swept.wait()
        swept.clear()
        await swept.wait()  # a second round
        stop.set()
        await running
    assert "upkeep failed: drop_expired" in caplog.text
    assert len(await auth.rows("SELECT 1 FROM auth.signing_key")) == 1
