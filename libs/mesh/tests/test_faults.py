"""Processes and servers killed under load: what was committed is applied, once, and a later message arrives."""

import asyncio
import os
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from logging import getLogger
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest
from aio_pika.abc import AbstractChannel
from devstack.servers import Postgres, RabbitMQ
from devstack.waiting import until
from mesh import Consumer, Event, Relay, Subscriptions, Topology
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from .home import Home
from .roles import running
from .wire import message_of

Start = Callable[..., Awaitable[Process]]
BOARD = Path(__file__).with_name("board_process.py")
log = getLogger(__name__)


class NotePinned(Event, type="tests.note.pinned", version=1, aggregate="note"):
    note: str


class Ledger:
    """What clients were told was accepted."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._next = 0
        self.accepted: set[str] = set()

    async def say(self) -> None:
        note = f"{self._next:05}"
        self._next += 1
        with suppress(SQLAlchemyError, OSError):
            await self._home.say(NotePinned(note=note, version=1))
            self.accepted.add(note)

    async def keep_saying(self, seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while clock() < end:
            await self.say()
            await asyncio.sleep(0.005)

    async def is_kept(self) -> bool:
        with suppress(SQLAlchemyError, OSError):
            return self.accepted <= set(await self._home.effects())
        return False

    async def assert_nothing_was_applied_twice(self) -> None:
        effects = await self._home.effects()
        assert len(effects) == len(set(effects))


@pytest.fixture
async def start(home: Home, amqp_url: str) -> AsyncIterator[Start]:
    """Starts processes of the board; those that live are killed at the end."""
    processes: list[Process] = []

    async def start_process(*roles: str) -> Process:
        command = (sys.executable, str(BOARD), home.url, amqp_url, *roles)
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        processes.append(process)
        assert process.stdout is not None
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"ready\n"
        return process

    yield start_process
    for process in processes:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.timeout(120)
async def test_processes_killed_at_random_instants_lose_and_repeat_nothing(home: Home, start: Start) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or random.randrange(10**6))
    log.warning("FAULTS_SEED=%d", seed)
    chance = random.Random(seed)
    ledger = Ledger(home)
    living = [await start("relay", "consumer"), await start("relay", "consumer")]
    saying = asyncio.create_task(ledger.keep_saying(6))
    for _ in range(4):
        await asyncio.sleep(chance.uniform(0.2, 1.0))
        victim = living.pop(0)
        victim.send_signal(SIGKILL)
        await victim.wait()
        living.append(await start("relay", "consumer"))
    await saying
    await until(ledger.is_kept, seconds=40)
    await ledger.say()
    await until(ledger.is_kept)
    await ledger.assert_nothing_was_applied_twice()


@pytest.mark.timeout(120)
async def test_relay_frozen_past_its_lease_and_woken_repeats_no_effect(home: Home, start: Start) -> None:
    ledger = Ledger(home)
    frozen, _, _ = await start("relay"), await start("relay"), await start("consumer")
    saying = asyncio.create_task(ledger.keep_saying(8))
    held = await freeze_with_rows_in_hand(frozen, home)
    await until(lambda: sent(home, held))  # by the other relay, once the lease has run out
    frozen.send_signal(SIGCONT)
    await saying
    await until(ledger.is_kept, seconds=40)
    await ledger.assert_nothing_was_applied_twice()


async def freeze_with_rows_in_hand(relay: Process, home: Home) -> list[int]:
    """Stops the process at an instant at which it has leased rows and not settled them: their positions."""
    while True:
        relay.send_signal(SIGSTOP)
        await asyncio.sleep(0.4)
        # Of leases of a second, those that are older than 0.3 s: whoever is awake has long settled its own.
        aging = "SELECT position FROM outbox WHERE leased_until BETWEEN now() AND now() + interval '0.7 seconds'"
        async with home.transaction() as session:
            held = (await session.scalars(text(aging))).all()
        if held:
            return list(held)
        relay.send_signal(SIGCONT)
        await asyncio.sleep(random.uniform(0.01, 0.05))


async def sent(home: Home, positions: list[int]) -> bool:
    async with home.transaction() as session:
        unsent = text("SELECT count(*) FROM outbox WHERE position = ANY(:positions) AND sent_at IS NULL")
        return not await session.scalar(unsent, {"positions": positions})


@pytest.fixture
def board() -> Subscriptions:
    bus = Subscriptions("board")

    @bus.on(NotePinned)
    async def pin(event: NotePinned, session: AsyncSession) -> None:
        await session.execute(text("INSERT INTO effects (note) VALUES (:note)"), {"note": event.note})

    return bus


@pytest.mark.faults
@pytest.mark.timeout(240)
async def test_broker_killed_under_load_loses_and_repeats_nothing(
    rabbitmq: RabbitMQ, home: Home, amqp_url: str, board: Subscriptions
) -> None:
    ledger = Ledger(home)
    relay = Relay("tests", database=home, amqp_url=amqp_url, topology=Topology.of(board))
    async with running(relay, Consumer(board, amqp_url=amqp_url, database=home)):
        saying = asyncio.create_task(ledger.keep_saying(4))
        await asyncio.sleep(1)
        await asyncio.to_thread(rabbitmq.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(rabbitmq.restart)
        await saying
        await until(ledger.is_kept, seconds=60)
        await ledger.say()
        await until(ledger.is_kept)
    await ledger.assert_nothing_was_applied_twice()


@pytest.mark.faults
@pytest.mark.timeout(240)
async def test_broker_short_of_memory_is_relieved_although_a_retry_cannot_be_published(
    rabbitmq: RabbitMQ, amqp_url: str, broker: AbstractChannel
) -> None:
    handled: set[str] = set()
    go_on = asyncio.Event()
    bus = Subscriptions("board")

    @bus.on(NotePinned, inbox=False, prefetch=5)
    async def pin(event: NotePinned) -> None:
        await go_on.wait()
        if event.note == "failing":
            raise OSError("not now")
        handled.add(event.note)

    async def all_but_one_are_handled() -> bool:
        return len(handled) == 100

    async with running(Consumer(bus, amqp_url=amqp_url, grace=1)):
        for note in ("failing", *map(str, range(100))):
            await broker.default_exchange.publish(message_of(NotePinned(note=note, version=1)), "board.pin")
        try:
            rabbitmq.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.00001)")
            go_on.set()
            await until(all_but_one_are_handled)
        finally:
            rabbitmq.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.6)")


@pytest.mark.faults
@pytest.mark.timeout(240)
async def test_database_killed_under_load_loses_and_repeats_nothing(
    postgres: Postgres, home: Home, amqp_url: str, board: Subscriptions
) -> None:
    ledger = Ledger(home)
    relay = Relay("tests", database=home, amqp_url=amqp_url, topology=Topology.of(board))
    async with running(relay, Consumer(board, amqp_url=amqp_url, database=home)):
        saying = asyncio.create_task(ledger.keep_saying(5))
        await asyncio.sleep(1)
        await asyncio.to_thread(postgres.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(postgres.restart)
        await saying
        await until(ledger.is_kept, seconds=60)
        await ledger.say()
        await until(ledger.is_kept)
    await ledger.assert_nothing_was_applied_twice()
