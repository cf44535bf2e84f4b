"""The network between a service and a server: cut, slow, silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from .cable import Cable
from .campus import CONSUMERS, RELAYS, WORKER, Campus
from .scenario import Scenario

pytestmark = pytest.mark.long_form
AMQP, REDIS = "AMQP_URL", "REDIS_URL"


@asynccontextmanager
async def reached_by_cable(campus: Campus, *lines: tuple[str, str]) -> AsyncIterator[list[Cable]]:
    """These processes, by name and variable of their server's URL, reach it through cables."""
    async with AsyncExitStack() as stack:
        cables = []
        for name, variable in lines:
            process = campus[name]
            cable = await stack.enter_async_context(Cable(process.spec.env[variable]).laid())
            stack.push_async_callback(asyncio.to_thread, process.restart, {variable: process.spec.env[variable]})
            await asyncio.to_thread(process.restart, {variable: cable.url})
            cables.append(cable)
        yield cables
        assert all(cable.carried for cable in cables), "somebody did not use the cable"


async def break_one_after_the_other(scenario: Scenario, cables: list[Cable]) -> None:
    for cable in cables:
        for damage in (cable.cut, lambda cable=cable: cable.slow(0.2), cable.silence):
            await scenario.pause(0.3, 1.0)
            damage()
            await scenario.pause(1.0, 3.5)
            cable.mend()


async def test_network_to_the_broker_breaks(scenario: Scenario) -> None:
    lines = [(RELAYS[0], AMQP), (CONSUMERS[0], AMQP), ("notifier", AMQP)]
    async with reached_by_cable(scenario.campus, *lines) as cables, scenario.load():
        await break_one_after_the_other(scenario, cables)


async def test_network_to_the_database_breaks(scenario: Scenario) -> None:
    lines = [
        (RELAYS[1], "INGESTION_DATABASE_URL"),
        (CONSUMERS[1], "CHAT_DATABASE_URL"),
        (WORKER, "INGESTION_DATABASE_URL"),
    ]
    async with reached_by_cable(scenario.campus, *lines) as cables, scenario.load():
        await break_one_after_the_other(scenario, cables)


async def test_network_to_redis_breaks(scenario: Scenario) -> None:
    lines = [("ingestion", REDIS), (WORKER, REDIS), ("chat", REDIS)]
    async with reached_by_cable(scenario.campus, *lines) as cables, scenario.load():
        await break_one_after_the_other(scenario, cables)
