"""What was said and has not arrived: events that wait in outboxes, that were sent and no inbox knows, that lie dead or have no queue."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from mesh.auditing import PAGE, Arrivals, Backlog, SentEvent, SentWish
from mesh.commands.comparing import MOST
from mesh.commands.findings import Finding
from mesh.commands.services import Services
from mesh.topology import dead


class OutboxCheck:
    """Events that were in a service's outbox before the first look, and are unsent."""

    def __init__(self, services: Services, service: str) -> None:
        self._services = services
        self._service = service
        self._began: float | None = None
        self.findings: Sequence[Finding] = ()
        self.seen = f"outbox of {service}"

    async def look(self) -> None:
        backlog = Backlog.model_validate(await self._services.get(self._service, "/outbox"))
        self._began = self._began or time.monotonic()
        if not backlog.unsent or backlog.oldest_seconds < time.monotonic() - self._began:
            self.findings = ()
            return
        waits = f"{backlog.unsent} unsent, the oldest for {backlog.oldest_seconds:.0f} s"
        mend = f"see whether a relay of {self._service} runs and reaches the broker"
        self.findings = [Finding("outbox", self._service, waits, "no relay has sent them", mend)]


class DeliveryCheck:
    """Events that a service sent before the first look, held against the inboxes of their consumers."""

    def __init__(
        self, services: Services, producer: str, consumers: Mapping[str, Sequence[str]], since: timedelta
    ) -> None:
        self._services = services
        self._producer = producer
        self._consumers = consumers
        self._since = since
        # "An hour ago" is another moment by the time that the advice is followed. A minute more, for clocks that differ.
        self._from = datetime.now(UTC) - since - timedelta(minutes=1)
        self._missing: dict[str, dict[UUID, str]] = {}
        self._uncounted = 0
        self._first = True
        self._seen = 0

    async def look(self) -> None:
        if self._first:
            self._first = False
            await self._read_all()
            return
        for consumer, events in self._missing.items():
            still: dict[UUID, str] = {}
            for batch in _batches([SentEvent(position=0, id=id_, type=type_) for id_, type_ in events.items()]):
                still |= await self._not_taken(consumer, batch)
            self._missing[consumer] = still
        if self._uncounted and not any(self._missing.values()):
            await self._read_all()

    @property
    def findings(self) -> Sequence[Finding]:
        found = [
            Finding(
                "delivery",
                consumer,
                f"{self._producer} sent {number} of {type_}",
                f"not taken: {_few([str(id_) for id_, of in events.items() if of == type_])}",
                f"mesh republish --to {consumer} --since {self._from:%Y-%m-%dT%H:%MZ}",
            )
            for consumer, events in self._missing.items()
            for type_, number in Counter(events.values()).items()
        ]
        if self._uncounted:
            more = f"{self._uncounted} more when all was read"
            found.append(Finding("delivery", self._producer, more, "not taken", "mend what is named, and look again"))
        return found

    @property
    def seen(self) -> str:
        return f"deliveries: {self._seen} events of {self._producer}"

    async def _read_all(self) -> None:
        self._uncounted = self._seen = 0
        types = sorted({type_ for taken in self._consumers.values() for type_ in taken})
        after = 0
        while True:
            wish = SentWish(types=types, since=self._since, after=after).model_dump(mode="json")
            page = [SentEvent.model_validate(row) for row in await self._services.post(self._producer, "/sent", wish)]
            self._seen += len(page)
            for consumer, taken in self._consumers.items():
                self._keep(consumer, await self._not_taken(consumer, [event for event in page if event.type in taken]))
            if len(page) < PAGE:
                return
            after = page[-1].position

    def _keep(self, consumer: str, missing: Mapping[UUID, str]) -> None:
        kept = self._missing.setdefault(consumer, {})
        if len(kept) + len(missing) <= MOST:
            kept |= missing
        else:
            self._uncounted += len(missing)

    async def _not_taken(self, consumer: str, events: Sequence[SentEvent]) -> dict[UUID, str]:
        if not events:
            return {}
        types = {event.id: event.type for event in events}
        asked = Arrivals(consumer=consumer, ids=list(types)).model_dump(mode="json")
        found = await self._services.post(consumer.partition(".")[0], "/missing", asked)
        return {UUID(id_): types[UUID(id_)] for id_ in found}


class BrokerCheck:
    """A consumer's queue, and what lies dead beside it."""

    def __init__(self, connection: AbstractConnection, queue: str) -> None:
        self._connection = connection
        self._queue = queue
        self.findings: Sequence[Finding] = ()
        self.seen = f"queue {queue}"

    async def look(self) -> None:
        found = []
        if await self._messages(self._queue) is None:
            # What lay in it may have waited for days, and may be older than its loss: too far back costs nothing.
            mend = f"start its consumer, then mesh republish --to {self._queue} --since 7d, and mesh audit --since 7d"
            found.append(Finding("queue", self._queue, "events are sent to it", "it is not there", mend))
        if dead_ones := await self._messages(dead(self._queue)):
            mend = f"mesh dead list --consumer {self._queue}"
            found.append(Finding("dead letters", self._queue, "every event is taken", f"{dead_ones} lie dead", mend))
        self.findings = found

    async def _messages(self, name: str) -> int | None:
        try:
            async with self._connection.channel() as channel:
                declared = await channel.declare_queue(name, passive=True)
        except ChannelNotFoundEntity:
            return None
        return declared.declaration_result.message_count or 0


def _batches(events: Sequence[SentEvent]) -> list[Sequence[SentEvent]]:
    return [events[start : start + PAGE] for start in range(0, len(events), PAGE)]


def _few(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (" …" if len(ids) > 3 else "")
