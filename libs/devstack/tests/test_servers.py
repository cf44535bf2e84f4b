"""Real servers of our own: private, side by side, with data that outlives them."""

import os
import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aio_pika
import asyncpg
import psutil
import pytest
from devstack.for_tests import TestServers
from devstack.places import temporary_home
from devstack.processes import tree
from devstack.servers import Stack, Tuning

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = temporary_home()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.faults
async def test_data_is_there_after_a_stop_and_a_new_start(folder: Path) -> None:
    with Stack(folder, Tuning.DURABLE) as stack:
        for server in stack.servers:
            server.start()
        connection = await asyncpg.connect(stack.postgres.url)
        await connection.execute("CREATE TABLE card AS SELECT 1 AS id")
        await connection.close()
        assert stack.redis.command("SET", "card", "1") == b"+OK"
        async with await aio_pika.connect(stack.rabbitmq.url) as amqp:
            channel = await amqp.channel()
            await channel.declare_queue("cards", durable=True, arguments={"x-queue-type": "quorum"})
            message = aio_pika.Message(b"1", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(message, "cards")
    with Stack(folder, Tuning.DURABLE) as stack:
        for server in stack.servers:
            server.start()
        connection = await asyncpg.connect(stack.postgres.url)
        assert await connection.fetchval("SELECT id FROM card") == 1
        await connection.close()
        assert stack.redis.command("STRLEN", "card") == b":1"
        async with await aio_pika.connect(stack.rabbitmq.url) as amqp:
            channel = await amqp.channel()
            queue = await channel.get_queue("cards")
            received = await queue.get(timeout=10)
            assert received.body == b"1"


@pytest.mark.faults
def test_stacks_run_side_by_side(folder: Path) -> None:
    with Stack(folder) as one, Stack(temporary_home(), temporary=True) as other:
        for stack in (one, other):
            for server in (stack.redis, stack.postgres):
                server.start()
        assert not {*one.redis.ports, *one.postgres.ports} & {*other.redis.ports, *other.postgres.ports}
        one.redis.kill()
        assert other.redis.answers()


def test_servers_listen_on_this_machine_alone(
    amqp_url: str, redis_url: str, postgres_url: str, shared_servers: TestServers
) -> None:
    started = shared_servers.stack.keeper.ask("status")
    pids = {process.pid for child in started.values() for process in tree(child["pid"])}
    listening = [
        c.laddr for c in psutil.net_connections("tcp") if c.pid in pids and c.laddr and c.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 5  # PostgreSQL, Redis, AMQP, epmd, Erlang's distribution
    assert {address.ip for address in listening} <= {"127.0.0.1", "::1"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has users to give away")
def test_no_server_runs_as_root(amqp_url: str, redis_url: str, postgres_url: str, shared_servers: TestServers) -> None:
    started = shared_servers.stack.keeper.ask("status")
    users = {name: psutil.Process(child["pid"]).username() for name, child in started.items()}
    assert users == {"postgres": "postgres", "redis": "redis", "epmd": "rabbitmq", "rabbitmq": "rabbitmq"}


def test_a_half_finished_first_start_is_begun_anew(folder: Path) -> None:
    with Stack(folder) as stack:
        half_made = folder / "postgres" / "data"
        half_made.mkdir(parents=True)
        (half_made / "PG_VERSION").write_text("15\n")
        stack.postgres.start()
        assert stack.postgres.answers()


def test_a_taken_port_is_given_up_for_another(folder: Path) -> None:
    with Stack(folder) as stack:
        stack.redis.start()
        [taken] = stack.redis.ports
    with socket.create_server(("127.0.0.1", taken)), Stack(folder) as stack:
        stack.redis.start()
        assert stack.redis.ports != [taken]


@pytest.mark.faults
def test_whoever_comes_while_it_starts_waits_until_it_answers(folder: Path) -> None:
    with Stack(folder, Tuning.FAST) as stack, ThreadPoolExecutor() as pool:
        starting = pool.submit(stack.rabbitmq.start)
        while not (stack.rabbitmq.running or starting.done()):
            time.sleep(0.01)
        stack.rabbitmq.recover()
        assert stack.rabbitmq.answers()
        starting.result()


def test_a_second_start_finds_it_running(folder: Path) -> None:
    with Stack(folder) as stack:
        stack.redis.start()
        stack.redis.start()
        assert Stack(folder).redis.url == stack.redis.url


def test_why_a_server_did_not_start_is_told(folder: Path) -> None:
    with Stack(folder) as stack:
        stack.postgres.start()
        stack.postgres.stop()
        (folder / "postgres" / "data" / "global" / "pg_control").unlink()
        with pytest.raises(Exception, match=r"(?s)postgres ended while it started.*pg_control"):
            stack.postgres.start()


def test_data_of_another_version_is_not_touched(folder: Path) -> None:
    with Stack(folder) as stack:
        stack.postgres.start()
        stack.postgres.stop()
        (folder / "postgres" / "data" / "PG_VERSION").write_text("9\n")
        with pytest.raises(Exception, match=r"written by PostgreSQL 9.*make clean"):
            stack.postgres.start()
