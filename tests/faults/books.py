"""The books of all services, read by PostgreSQL's superuser: rows, what was published, and what was applied by whom."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import aio_pika
import asyncpg
from contract_documents.parts import subscriptions
from devstack.local_mesh import LocalMesh
from devstack.provisioning import DATABASE
from mesh import Topology
from mesh.subscriptions import Kind
from mesh.topology import dead

from .ledger import Ledger

SCHEMAS = ("auth", "ingestion", "chat", "flashcard", "notifier")
DURABLE = [one for bus in subscriptions() for one in bus.describe() if one.kind is Kind.DURABLE]
TOMBSTONES = {
    ("auth", "erasure"),
    ("auth", "revocation"),
    ("ingestion", "removal"),
    ("chat", "shelved_document"),
    *((schema, "erased_user") for schema in SCHEMAS),
}
"""What may name a student who left, so that late news brings nothing back."""
_QUEUES = Topology.of(*subscriptions()).queues


class Books:
    """One look at everything. What is wrong is told in sentences."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", amqp_url: str) -> None:
        self._connection = connection
        self._amqp_url = amqp_url

    async def new_ledger(self) -> Ledger:
        """A ledger that begins now."""
        newest = "SELECT coalesce(max(position), 0) FROM {}.outbox"
        return Ledger({schema: await self._number(newest.format(schema)) for schema in SCHEMAS})

    async def wrong(self, ledger: Ledger) -> list[str]:
        """What is missing yet, and what is there twice; empty when everything accepted was applied once."""
        looks: list[Callable[[Ledger], Awaitable[list[str]]]] = [
            self._unpublished,
            self._untaken,
            self._documents,
            self._notifications,
            self._answers,
            self._cards,
            self._profiles,
            self._erased,
            self._left_on_the_broker,
        ]
        return [sentence for look in looks for sentence in await look(ledger)]

    async def unpublished(self) -> int:
        """How many events wait in outboxes."""
        return sum([await self._number(f"SELECT count(*) FROM {s}.outbox WHERE sent_at IS NULL") for s in SCHEMAS])

    async def said(self, schema: str, since: int) -> list[asyncpg.Record]:
        """What a service said after a position, in the order in which it was said."""
        return await self._connection.fetch(
            f"SELECT * FROM {schema}.outbox WHERE position > $1 ORDER BY position", since
        )

    async def waiting_in(self, queue: str) -> int:
        """How many messages lie in a queue that nobody has been handed."""
        async with await aio_pika.connect(self._amqp_url) as connection, connection.channel() as channel:
            declared = await channel.declare_queue(queue, passive=True)
            return declared.declaration_result.message_count or 0

    async def _unpublished(self, _: Ledger) -> list[str]:
        waiting = await self.unpublished()
        return [f"{waiting} events wait in outboxes"] if waiting else []

    async def _untaken(self, ledger: Ledger) -> list[str]:
        """Every event is in the inbox of every consumer that is bound to it."""
        found = []
        for one in DURABLE:
            if not one.inbox:
                continue
            for event in one.events:
                producer = event.event_type.partition(".")[0]
                missing = await self._number(
                    f"SELECT count(*) FROM {producer}.outbox AS said WHERE type = $1 AND position > $2 AND NOT EXISTS "
                    f"(SELECT FROM {one.service}.inbox WHERE consumer = $3 AND event_id = said.event_id)",
                    *(event.routing_key, ledger.since[producer], one.queue),
                )
                if missing:
                    found.append(f"{one.queue} has not taken {missing} of {event.routing_key}")
        return found

    async def _documents(self, ledger: Ledger) -> list[str]:
        stored = dict(
            await self._pairs("SELECT id, status FROM ingestion.document WHERE user_id = ANY($1)", ledger.students)
        )
        shelf = dict(
            await self._pairs(
                "SELECT document_id, deleted FROM chat.shelved_document WHERE user_id = ANY($1)", ledger.students
            )
        )
        found = _unlike("a document", stored, dict.fromkeys(ledger.kept, "ready"))
        found += _unlike("chat's shelf: deleted of", shelf, {key: one.deleted for key, one in ledger.documents.items()})
        for fact, subjects in (
            ("uploaded", ledger.documents),
            ("processed", ledger.documents),
            ("deleted", ledger.gone),
        ):
            said = await self._said_of("ingestion", f"ingestion.document.{fact}.v1", ledger)
            found += _unlike(f"times that {fact} was said of", said, dict.fromkeys(map(str, subjects), 1))
        return found

    async def _notifications(self, ledger: Ledger) -> list[str]:
        # Of an evening, a student may be reminded of cards, too.
        query = "SELECT subject_id FROM notifier.notification WHERE user_id = ANY($1) AND kind <> 'review_reminder'"
        shown = Counter(await self._column(query, ledger.students))
        # Who waited for the answer to its end was told by it.
        read = "SELECT subject::uuid FROM chat.outbox WHERE type = $1 AND position > $2 AND (data::jsonb ->> 'followed')::boolean"
        followed = {*await self._column(read, "chat.message.answered.v1", ledger.since["chat"])}
        found = _unlike(
            "notifications of", shown, dict.fromkeys([*ledger.kept, *(ledger.answers.keys() - followed)], 1)
        )
        # A deleted document was told of or not, as it happened; nothing was told of twice.
        reminded = "SELECT user_id FROM notifier.notification WHERE user_id = ANY($1) AND kind = 'review_reminder'"
        reminders = await self._column(reminded, ledger.students)
        found += [f"{student} was reminded {times} times" for student, times in Counter(reminders).items() if times > 1]
        told = await self._number("SELECT sum(newest) FROM notifier.feed WHERE user_id = ANY($1)", ledger.students)
        told -= len(reminders)
        most = len(ledger.documents) + len(ledger.answers)
        return found + ([f"{told} notifications were made of {most} things"] if told > most else [])

    async def _answers(self, ledger: Ledger) -> list[str]:
        rows = "SELECT id, status FROM chat.message WHERE user_id = ANY($1) AND role = 'tutor'"
        found = _unlike(
            "an answer", dict(await self._pairs(rows, ledger.students)), dict.fromkeys(ledger.answers, "done")
        )
        said = await self._said_of("chat", "chat.message.answered.v1", ledger)
        return found + _unlike("times that an answer was said:", said, dict.fromkeys(map(str, ledger.answers), 1))

    async def _cards(self, ledger: Ledger) -> list[str]:
        cards = dict(
            await self._pairs("SELECT id, reviews FROM flashcard.card WHERE user_id = ANY($1)", ledger.students)
        )
        found = _unlike("reviews of card", cards, dict.fromkeys(ledger.cards, 0) | Counter(ledger.reviews.values()))
        logged = Counter(await self._column("SELECT id FROM flashcard.review WHERE user_id = ANY($1)", ledger.students))
        found += _unlike("times that a review counts:", logged, dict.fromkeys(ledger.reviews, 1))
        said = await self._said_of("flashcard", "flashcard.card.reviewed.v1", ledger)
        return found + _unlike(
            "times that a review was said of", said, dict(Counter(map(str, ledger.reviews.values())))
        )

    async def _profiles(self, ledger: Ledger) -> list[str]:
        copies = await self._pairs(
            "SELECT user_id, name FROM notifier.student WHERE user_id = ANY($1)", ledger.students
        )
        told = await self._column("SELECT user_id FROM flashcard.student WHERE user_id = ANY($1)", ledger.students)
        found = _unlike("notifier's name of", dict(copies), dict(ledger.names))
        found += _unlike("flashcard's students:", Counter(told), dict.fromkeys(ledger.students, 1))
        mails = "SELECT user_id FROM notifier.mail WHERE user_id = ANY($1) AND kind = 'verify_email' AND status = 'delivered'"
        sent = Counter(await self._column(mails, ledger.students))
        return found + _unlike("mails to verify the address of", sent, dict.fromkeys(ledger.students, 1))

    async def _erased(self, ledger: Ledger) -> list[str]:
        """Auth heard from everybody that a student who left is gone, and nobody's rows name the student."""
        done = await self._column(
            "SELECT user_id FROM auth.erasure WHERE finished_at IS NOT NULL AND user_id = ANY($1)", list(ledger.left)
        )
        found = _unlike("finished erasures of", Counter(done), dict.fromkeys(ledger.left, 1))
        owned = "SELECT table_schema, table_name FROM information_schema.columns WHERE column_name = 'user_id' AND table_schema = ANY($1)"
        for schema, table in await self._connection.fetch(owned, SCHEMAS):
            if (schema, table) in TOMBSTONES:
                continue
            rows = await self._number(
                f'SELECT count(*) FROM {schema}."{table}" WHERE user_id = ANY($1)', list(ledger.left)
            )
            if rows:
                found.append(f"{rows} rows of {schema}.{table} are of students who left")
        return found

    async def _left_on_the_broker(self, _: Ledger) -> list[str]:
        found = []
        async with await aio_pika.connect(self._amqp_url) as connection, connection.channel() as channel:
            for name in (queue for known in _QUEUES for queue in (known, dead(known))):
                queue = await channel.declare_queue(name, passive=True)
                if waiting := queue.declaration_result.message_count:
                    found.append(f"{waiting} messages lie in {name}")
        return found

    async def _said_of(self, schema: str, routing_key: str, ledger: Ledger) -> dict[str, int]:
        rows = f"SELECT subject FROM {schema}.outbox WHERE type = $1 AND position > $2 AND subject <> ALL($3)"
        erased = [str(subject) for subject in ledger.erased]
        return dict(Counter(await self._column(rows, routing_key, ledger.since[schema], erased)))

    async def _number(self, query: str, *arguments: object) -> int:
        return await self._connection.fetchval(query, *arguments) or 0

    async def _column(self, query: str, *arguments: object) -> list[Any]:
        return [row[0] for row in await self._connection.fetch(query, *arguments)]

    async def _pairs(self, query: str, *arguments: object) -> list[tuple[UUID, object]]:
        return [(row[0], row[1]) for row in await self._connection.fetch(query, *arguments)]


def _unlike(what: str, found: Mapping[Any, object], expected: Mapping[Any, object]) -> list[str]:
    keys = found.keys() | expected.keys()
    return [
        f"{what} {key} is {found.get(key)}, not {expected.get(key)}"
        for key in keys
        if found.get(key) != expected.get(key)
    ]


@asynccontextmanager
async def opened(mesh: LocalMesh) -> AsyncIterator[Books]:
    """Open the books; the servers must answer now."""
    url = mesh.stack.postgres.url.removesuffix("/postgres") + f"/{DATABASE}"
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield Books(connection, mesh.stack.rabbitmq.url)
    finally:
        await connection.close(timeout=5)
