"""Processes killed, frozen, stopped and replaced while students work."""

import asyncio
from collections.abc import Sequence

import pytest
from devstack.local_process import LocalProcess

from .campus import CONSUMERS, INDEX, RELAYS, SERVICES, WORKER
from .scenario import Scenario

# Longer than a relay's lease on its rows.
PAST_THE_LEASE = 12.0


async def kill_some(scenario: Scenario, names: Sequence[str], times: int) -> None:
    """SIGKILL at random instants; each comes back before the next goes."""
    for _ in range(times):
        await scenario.pause(0.2, 2.0)
        victim = scenario.campus[scenario.chance.choice(names)]
        await asyncio.to_thread(victim.kill)
        await scenario.pause(0.0, 1.0)
        await asyncio.to_thread(victim.restart)


@pytest.mark.long_form
async def test_services_killed_under_load_lose_and_repeat_nothing(scenario: Scenario) -> None:
    async with scenario.load():
        await kill_some(scenario, SERVICES, 6)


async def test_relays_and_consumers_killed_under_load_lose_and_repeat_nothing(
    scenario: Scenario, is_long: bool
) -> None:
    async with scenario.load():
        await kill_some(scenario, RELAYS + CONSUMERS, 6 if is_long else 2)


@pytest.mark.long_form
async def test_worker_killed_under_load_leaves_no_document_behind(scenario: Scenario) -> None:
    async with scenario.load():
        await kill_some(scenario, [WORKER], 4)


@pytest.mark.long_form
async def test_index_owner_killed_under_load_finds_every_passage_once(scenario: Scenario) -> None:
    async with scenario.load():
        await kill_some(scenario, [INDEX], 4)


@pytest.mark.long_form
async def test_relay_frozen_past_its_lease_and_woken_repeats_no_effect(scenario: Scenario) -> None:
    frozen = scenario.campus[scenario.chance.choice(RELAYS)]
    async with scenario.load():
        await scenario.pause(0.5, 2.0)
        await asyncio.to_thread(frozen.freeze)
        await asyncio.sleep(PAST_THE_LEASE)
        await asyncio.to_thread(frozen.thaw)
        await scenario.pause(0.5, 2.0)


@pytest.mark.long_form
async def test_rolling_restart_of_every_service_under_load_ends_each_cleanly(scenario: Scenario) -> None:
    async with scenario.load():
        for process in scenario.campus.mesh.processes.values():
            await asyncio.to_thread(stop_cleanly, process)
            await asyncio.to_thread(process.restart)


@pytest.mark.long_form
async def test_sigterm_with_handlers_in_flight_finishes_them_and_exits_with_0(scenario: Scenario) -> None:
    taking = [scenario.campus[name] for name in (*CONSUMERS, "flashcard", "notifier", WORKER)]
    async with scenario.load(students=4):
        for _ in range(2):
            await scenario.pause(1.0, 3.0)
            await asyncio.gather(*(asyncio.to_thread(stop_cleanly, process) for process in taking))
            await scenario.pause(0.5, 1.5)
            await asyncio.gather(*(asyncio.to_thread(process.restart) for process in taking))


def stop_cleanly(process: LocalProcess) -> None:
    process.stop()
    code = process.keeper.code(process.name)
    assert code == 0, f"{process.name} ended with {code}\n{process.last_words()}"
