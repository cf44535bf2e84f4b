"""An event applied: the handler and what it asks for, once, in a transaction where there is one."""

import asyncio

from mesh import metrics
from mesh.database import Database
from mesh.envelope import Envelope
from mesh.errors import UnresolvedParameter
from mesh.event import Event
from mesh.inbox import receive
from mesh.injection import Bound, Provide, bind
from mesh.outages import waited_out
from mesh.subscriptions import Subscription


class Application:
    """How one subscription's events are applied. `room` bounds the transactions of the whole process."""

    def __init__(
        self, subscription: Subscription, provide: Provide, database: Database | None, room: asyncio.Semaphore
    ) -> None:
        self._consumer = subscription.queue
        self._inbox = subscription.inbox
        self._bound: Bound = bind(subscription.handler, provide, events=subscription.events)
        in_transaction = self._inbox or self._bound.needs_session
        if in_transaction and database is None:
            raise UnresolvedParameter(f"{subscription.queue} needs a database")
        self._database = database if in_transaction else None
        self._room = room
        self._inbox_hits = metrics.INBOX_HITS.labels(self._consumer)
        self._seconds = metrics.HANDLER_SECONDS.labels(self._consumer)

    async def apply(self, event: Event, envelope: Envelope) -> None:
        """Raises what the handler raises, after a rollback; a database that is away is waited for."""
        if self._database is None:
            with self._seconds.time():
                return await self._bound(event, session=None, envelope=envelope)
        while True:
            try:
                async with self._room:
                    return await self._once(self._database, event, envelope)
            except Exception as error:
                if not await waited_out(self._database, error):
                    raise

    async def _once(self, database: Database, event: Event, envelope: Envelope) -> None:
        with self._seconds.time():
            async with database.transaction() as session:
                if self._inbox and not await receive(session, self._consumer, envelope.id):
                    self._inbox_hits.inc()
                    return
                await self._bound(event, session=session, envelope=envelope)
