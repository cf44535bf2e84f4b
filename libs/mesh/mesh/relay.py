"""From the outbox to the broker: leased batches, published at once, marked when the broker has confirmed them."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from logging import getLogger

import asyncpg
from aio_pika.abc import AbstractChannel

from mesh import metrics
from mesh.backlog import keep_measuring
from mesh.broker import confirming, connected
from mesh.database import Database, driver_connection
from mesh.leases import Batch, Leases
from mesh.publishing import Outcome, publish
from mesh.queues import keep_measuring_queues
from mesh.supervision import keep_running, wait_for_any
from mesh.topology import EXCHANGE, Topology
from mesh.wire import message_of_row

log = getLogger(__name__)
# How long a batch may take to be confirmed after the relay was told to stop; its lease ends what is left.
GRACE_SECONDS = 10.0
PAUSE_SECONDS = 1.0


class Relay:
    """Publishes one service's outbox until it is told to stop. Several may run; each row is sent by one at a time.

    `topology` is everybody's: an event is not published before the queues of all its consumers stand.
    """

    def __init__(
        self,
        service: str,
        *,
        database: Database,
        amqp_url: str,
        topology: Topology,
        batch: int = 200,
        lease: timedelta = timedelta(seconds=10),
        poll: timedelta = timedelta(seconds=2),
    ) -> None:
        self._service = service
        self._database = database
        self._amqp_url = amqp_url
        self._topology = topology
        self._batch = batch
        self._lease = lease
        self._poll = poll.total_seconds()
        self.is_ready = False

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set; outages of broker and database are waited out."""
        name = f"relay of {self._service}"
        await asyncio.gather(
            keep_running(name, lambda: self._session(stop), stop),
            keep_running(f"backlog of {name}", lambda: keep_measuring(self._database, self._service, stop), stop),
            keep_running(
                f"watch on the queues of {self._service}",
                lambda: keep_measuring_queues(self._service, self._topology, self._amqp_url, stop),
                stop,
            ),
        )

    async def check(self) -> None:
        """Raise unless broker and database were there a moment ago."""
        if not self.is_ready:
            raise ConnectionError("the relay is not connected")

    async def _session(self, stop: asyncio.Event) -> None:
        async with (
            connected(self._amqp_url, f"{self._service} relay") as broker,
            driver_connection(self._database) as connection,
        ):
            channel = await confirming(broker)
            await self._topology.declare(channel)
            leases = Leases(connection, batch=self._batch, lease=self._lease)
            wake = await _listen(connection)
            channel.close_callbacks.add(lambda *_: wake.set())
            self.is_ready = True
            try:
                await self._drain(leases, channel, wake, stop)
            finally:
                self.is_ready = False

    async def _drain(self, leases: Leases, channel: AbstractChannel, wake: asyncio.Event, stop: asyncio.Event) -> None:
        # Two batches under way: one is claimed or marked while the other is published.
        room = asyncio.Semaphore(2)
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as sending:
            while not (stop.is_set() or channel.is_closed):
                await room.acquire()
                wake.clear()
                batch = await leases.claim()
                if batch.rows:
                    sending.create_task(self._send(leases, channel, batch)).add_done_callback(lambda _: room.release())
                else:
                    room.release()
                    await wait_for_any(wake, stop, seconds=self._poll)
            limit.reschedule(asyncio.get_running_loop().time() + GRACE_SECONDS)
        if not stop.is_set():
            raise ConnectionError("the broker closed the channel")

    async def _send(self, leases: Leases, channel: AbstractChannel, batch: Batch) -> None:
        outcomes = await publish(channel, EXCHANGE, [message_of_row(row) for row in batch.rows])
        sent: list[asyncpg.Record] = []
        unsent: list[asyncpg.Record] = []
        vanished = False
        for row, outcome in zip(batch.rows, outcomes, strict=True):
            missing = outcome is Outcome.RETURNED and bool(self._topology.takers(row["type"]))
            vanished = vanished or missing
            (unsent if missing or outcome is Outcome.FAILED else sent).append(row)
        if sent:
            settled = await leases.settle(batch, [row["position"] for row in sent])
            metrics.LEASES_LOST.labels(self._service).inc(len(sent) - settled)
            self._count(batch.rows, outcomes)
        if unsent:
            await self._recover(channel, vanished=vanished, unsent=len(unsent))
            await leases.release(batch, [row["position"] for row in unsent])

    async def _recover(self, channel: AbstractChannel, *, vanished: bool, unsent: int) -> None:
        if channel.is_closed:
            return
        if vanished:
            log.warning("%d events came back although they have consumers: queues are gone, declaring them", unsent)
            # Not at once: of a quorum queue that is declared again within some 50 ms of its deletion, RabbitMQ 3.10 does
            # not tell the old consumers, gives them the new queue's messages, and those never arrive.
            await asyncio.sleep(PAUSE_SECONDS)
            await self._topology.declare(channel)
        else:
            log.warning("the broker refused %d events; trying again", unsent)
            await asyncio.sleep(PAUSE_SECONDS)

    def _count(self, rows: Sequence[asyncpg.Record], outcomes: Sequence[Outcome]) -> None:
        counts = Counter((row["type"], outcome) for row, outcome in zip(rows, outcomes, strict=True))
        for (type_, outcome), number in counts.items():
            if outcome is Outcome.CONFIRMED:
                metrics.PUBLISHED.labels(self._service, type_).inc(number)
            elif outcome is Outcome.RETURNED and not self._topology.takers(type_):
                metrics.UNROUTABLE.labels(self._service, type_).inc(number)


async def _listen(connection: asyncpg.Connection) -> asyncio.Event:
    wake = asyncio.Event()
    schema = await connection.fetchval("SELECT current_schema()")
    await connection.add_listener(f"outbox.{schema}", lambda *_: wake.set())
    return wake
