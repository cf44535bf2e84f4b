"""RabbitMQ, PostgreSQL and Redis restarted, away, short of memory, emptied, while students work."""

import asyncio
import time

import pytest
from devstack.administrator import Administrator
from devstack.waiting import until

from .books import opened
from .scenario import Scenario

# Every connection, closed by the broker as an operator's command would close it; one may end by itself in that moment.
_CUT = (
    '[catch rabbit_networking:close_connection(Pid, "cut by a fault test") || Pid <- rabbit_networking:connections()]'
)
_TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'studyteddy%'"
ENOUGH_WAITING = 60


async def test_connections_cut_by_the_broker_are_made_again(scenario: Scenario, is_long: bool) -> None:
    async with scenario.load():
        for _ in range(5 if is_long else 2):
            await scenario.pause(0.5, 2.0)
            await asyncio.to_thread(scenario.campus.mesh.stack.rabbitmq.evaluate, _CUT)
        await scenario.pause(0.5, 1.0)


@pytest.mark.long_form
async def test_broker_restarted_under_load_loses_and_repeats_nothing(scenario: Scenario) -> None:
    broker = scenario.campus.mesh.stack.rabbitmq
    async with scenario.load():
        await scenario.pause(1.0, 3.0)
        await asyncio.to_thread(broker.restart)
        await scenario.pause(1.0, 3.0)
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)
        await scenario.pause(1.0, 3.0)


@pytest.mark.long_form
async def test_outbox_grows_for_a_minute_without_a_broker_and_is_drained_afterwards(scenario: Scenario) -> None:
    broker = scenario.campus.mesh.stack.rabbitmq
    async with scenario.load(), opened(scenario.campus.mesh) as books:
        began = time.monotonic()
        await asyncio.to_thread(broker.stop)

        async def long_enough() -> bool:
            return time.monotonic() - began > 60 and await books.unpublished() >= ENOUGH_WAITING

        await until(long_enough, 180)
        await asyncio.to_thread(broker.start)


@pytest.mark.long_form
async def test_broker_short_of_memory_holds_events_back_and_loses_none(scenario: Scenario) -> None:
    broker = scenario.campus.mesh.stack.rabbitmq
    async with scenario.load(), opened(scenario.campus.mesh) as books:
        await scenario.pause(0.5, 1.5)

        async def events_wait() -> bool:
            return await books.unpublished() >= ENOUGH_WAITING / 2

        broker.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.00001)")
        try:
            await until(events_wait, 90)
        finally:
            broker.evaluate("vm_memory_monitor:set_vm_memory_high_watermark({absolute, 384000000})")


@pytest.mark.long_form
async def test_database_restarted_under_load_loses_and_repeats_nothing(scenario: Scenario) -> None:
    database = scenario.campus.mesh.stack.postgres
    async with scenario.load():
        await scenario.pause(1.0, 3.0)
        await asyncio.to_thread(database.restart)
        await scenario.pause(1.0, 3.0)
        await asyncio.to_thread(database.kill)
        await scenario.pause(0.0, 3.0)
        await asyncio.to_thread(database.start)
        await scenario.pause(1.0, 3.0)


@pytest.mark.long_form
async def test_connections_terminated_by_the_database_lose_and_repeat_nothing(scenario: Scenario) -> None:
    url = scenario.campus.mesh.stack.postgres.url
    async with scenario.load():
        for _ in range(5):
            await scenario.pause(0.5, 2.0)
            await asyncio.to_thread(_as_superuser, url, _TERMINATE)
        await scenario.pause(0.5, 1.0)


@pytest.mark.long_form
async def test_redis_restarted_under_load_loses_no_job(scenario: Scenario) -> None:
    redis = scenario.campus.mesh.stack.redis
    async with scenario.load():
        await scenario.pause(0.5, 2.0)
        await asyncio.to_thread(redis.kill)
        await scenario.pause(2.0, 5.0)
        await asyncio.to_thread(redis.start)
        await scenario.pause(0.5, 2.0)


async def test_redis_emptied_under_load_loses_no_job(scenario: Scenario, is_long: bool) -> None:
    redis = scenario.campus.mesh.stack.redis
    async with scenario.load():
        for _ in range(12 if is_long else 5):
            await scenario.pause(0.1, 0.6)
            await asyncio.to_thread(redis.command, "FLUSHALL")


def _as_superuser(url: str, statement: str) -> None:
    with Administrator(url) as administrator:
        administrator.execute(statement)
