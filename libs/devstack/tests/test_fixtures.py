"""The fixtures that everybody's tests stand on."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from aio_pika import connect_robust
from devstack.for_tests import TestServers
from devstack.servers import Postgres, RabbitMQ, Redis
from redis.asyncio import Redis as RedisClient


def plain(url: str) -> str:
    return url.replace("+asyncpg", "")


@pytest.mark.parametrize("attempt", [1, 2])
async def test_each_test_has_an_empty_database(database_url: str, attempt: int) -> None:
    connection = await asyncpg.connect(plain(database_url))
    await connection.execute("CREATE TABLE card (id int)")  # fails the second time unless the database is new
    await connection.close()


async def test_who_is_still_connected_does_not_hold_up_the_next_test_and_never_meets_it(
    shared_servers: TestServers,
) -> None:
    with suppress(RuntimeError), shared_servers.database() as url:
        connection = await asyncpg.connect(plain(url))
        await connection.execute("CREATE SCHEMA desk; CREATE TABLE desk.card AS SELECT 1 AS id")
        holding = connection.transaction()
        await holding.start()
        assert await connection.fetchval("SELECT id FROM desk.card FOR UPDATE") == 1
        raise RuntimeError("in the middle")
    with shared_servers.database() as next_url:
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await connection.fetchval("SELECT 1")
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            await asyncpg.connect(plain(url))
        connection = await asyncpg.connect(plain(next_url))
        assert await connection.fetchval("SELECT to_regclass('desk.card')") is None
        await connection.close()


@pytest.mark.parametrize("attempt", [1, 2])
async def test_each_test_has_an_empty_redis(redis_url: str, attempt: int) -> None:
    async with RedisClient.from_url(redis_url) as client:
        assert await client.set("card", attempt, nx=True)


@pytest.mark.parametrize("attempt", [1, 2])
async def test_each_test_has_an_empty_broker(amqp_url: str, attempt: int) -> None:
    async with await connect_robust(amqp_url) as connection:
        channel = await connection.channel()
        arguments = {"x-queue-type": "quorum", "x-max-length": attempt}  # refused if the queue is there already
        await channel.declare_queue("cards", durable=True, arguments=arguments)


async def test_what_a_broker_does_late_is_done_to_the_virtual_host_before(shared_servers: TestServers) -> None:
    """A broker that is busy looks after a virtual host that is gone by its name, when the next one is there already."""
    before, url = shared_servers.vhost(), shared_servers.vhost()
    gone = before.rpartition("/")[2]
    shared_servers.stack.rabbitmq.evaluate(f'rabbit_vhost_sup_sup:stop_and_delete_vhost(<<"{gone}">>)')
    async with await connect_robust(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("cards", exclusive=True)


@pytest.mark.faults
async def test_what_was_committed_survives_a_kill(database_url: str, postgres: Postgres) -> None:
    connection = await asyncpg.connect(plain(database_url))
    await connection.execute("CREATE TABLE card AS SELECT 1 AS id")
    postgres.kill()
    with pytest.raises(asyncpg.PostgresConnectionError):
        await connection.fetchval("SELECT count(*) FROM card")
    postgres.start()
    connection = await asyncpg.connect(plain(database_url))
    assert await connection.fetchval("SELECT count(*) FROM card") == 1
    await connection.close()


@pytest.mark.faults
def test_a_frozen_redis_answers_again_when_it_is_thawed(redis: Redis) -> None:
    redis.freeze()
    with pytest.raises(TimeoutError):
        redis.command("PING", timeout=0.3)
    redis.thaw()
    assert redis.answers()


@pytest.mark.faults
async def test_a_quorum_queue_survives_a_kill(amqp_url: str, rabbitmq: RabbitMQ) -> None:
    async with await connect_robust(amqp_url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("cards", durable=True, arguments={"x-queue-type": "quorum"})
    rabbitmq.kill()
    assert not rabbitmq.answers()
    rabbitmq.start()
    async with await connect_robust(amqp_url) as connection:
        channel = await connection.channel()
        assert await channel.declare_queue("cards", passive=True)


def test_one_worker_runs_all_fault_tests(tmp_path: Path) -> None:
    """Others would load the machine under them, and have servers of their own; so would a second mesh."""
    (tmp_path / "test_workers.py").write_text(
        "import os, pytest\n"
        "@pytest.mark.parametrize('token', [os.urandom(60).hex()])\n"
        "@pytest.mark.faults\n"
        "@pytest.mark.parametrize('n', range(6))\n"
        "def test_worker(n, token): print('ran on', os.environ['PYTEST_XDIST_WORKER'])\n"
    )
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "-p", "devstack.pytest_plugin", "-n", "2"]
    outcome = subprocess.run(
        [*command, "--dist", "loadgroup", "-rP"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "6 passed" in outcome.stdout
    assert len(set(re.findall(r"ran on (gw\d)", outcome.stdout))) == 1
