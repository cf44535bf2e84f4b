"""A service's subscriptions, served until the process stops."""

import asyncio

from sqlalchemy import QueuePool

from mesh import metrics
from mesh.application import Application
from mesh.database import Database
from mesh.injection import Provide, bind
from mesh.limits import Limits
from mesh.serving import Serving
from mesh.subscriptions import Subscriptions
from mesh.supervision import keep_running, unless
from mesh.topology import Topology


class Consumer:
    """Serves the subscriptions of `bus`. What handlers ask for is resolved here: `UnresolvedParameter` if it cannot be.

    `concurrency` bounds the transactions that all handlers have open at once in this process: the size of the database's
    pool, if not given, so that what the pool may grow beyond it is left to an API of the same process. `limits` are the operator's
    for single handlers. `grace` is how many seconds what is in flight may take to finish after a stop. `name` is for operators, where a process has more than one.
    """

    def __init__(
        self,
        bus: Subscriptions,
        *,
        amqp_url: str,
        database: Database | None = None,
        provide: Provide | None = None,
        concurrency: int | None = None,
        limits: Limits | None = None,
        grace: float = 15.0,
        name: str | None = None,
    ) -> None:
        self._name = name or bus.service
        self._amqp_url = amqp_url
        self._grace = grace
        self._topology = Topology.of(bus)
        room = asyncio.Semaphore(concurrency or _pool_size(database))
        entries = [(limits or Limits()).applied(entry) for entry in bus.describe()]
        self._served = [(entry, Application(entry, provide or {}, database, room)) for entry in entries]
        self._database = database
        self._readers = [bind(entry.on_ready, provide or {}) for entry in bus.describe() if entry.on_ready]
        self.is_ready = False

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; outages of broker and database are waited out."""
        self._set_ready(False)
        await keep_running(f"consumer of {self._name}", lambda: self._session(stop), stop)

    async def check(self) -> None:
        """Raise unless every subscription is being served and the present state has been read."""
        if not self.is_ready:
            raise ConnectionError("the consumer is not connected")

    async def _session(self, stop: asyncio.Event) -> None:
        serving = Serving(self._served, amqp_url=self._amqp_url, name=f"{self._name} consumer", grace=self._grace)
        try:
            if await unless(stop, self._begin(serving)):
                self._set_ready(True)
                await serving.watch(stop)
        finally:
            self._set_ready(False)
            await serving.stop()

    async def _begin(self, serving: Serving) -> None:
        await serving.start(self._topology)
        await self._read_present_state()

    async def _read_present_state(self) -> None:
        for read in self._readers:
            if self._database is None:
                await read(session=None, envelope=None)
            else:
                async with self._database.transaction() as session:
                    await read(session=session, envelope=None)

    def _set_ready(self, ready: bool) -> None:
        self.is_ready = ready
        metrics.CONSUMER_READY.labels(self._name).set(ready)


def _pool_size(database: Database | None) -> int:
    if database is None:
        return 1  # no handler has a transaction
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.size()
