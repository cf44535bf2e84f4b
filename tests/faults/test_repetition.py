"""The same events again and again, in any order, taken by two consumers at once."""

import asyncio
from random import Random

import aio_pika
import asyncpg
import pytest
from aio_pika import DeliveryMode, ExchangeType, Message
from mesh import Envelope
from mesh.topology import EXCHANGE

from .books import opened
from .campus import CONSUMERS, Campus
from .scenario import Scenario
from .waiting import until

TIMES = 10


@pytest.mark.long_form
async def test_events_said_ten_times_out_of_order_to_two_consumers_at_once_have_one_effect(scenario: Scenario) -> None:
    campus = scenario.campus
    taking = [campus[name] for name in (*CONSUMERS, "notifier", "flashcard")]
    async with scenario.load() as ledger, opened(campus.mesh) as books:

        async def enough_happened() -> bool:
            return len(ledger.documents) >= 10 and bool(ledger.gone)

        await until(enough_happened, 90)
        await asyncio.gather(*(asyncio.to_thread(process.stop) for process in taking))

        async def enough_was_said() -> bool:
            return len(await books.said("ingestion", ledger.since["ingestion"])) >= 40

        await until(enough_was_said, 90)
        await say_again(campus, scenario.chance, await books.said("ingestion", ledger.since["ingestion"]))
        await asyncio.gather(*(asyncio.to_thread(process.restart) for process in taking))


async def say_again(campus: Campus, chance: Random, said: list[asyncpg.Record]) -> None:
    """Each event nine times more, in an order of chance."""
    again = [row for row in said for _ in range(TIMES - 1)]
    chance.shuffle(again)
    async with await aio_pika.connect(campus.mesh.stack.rabbitmq.url) as connection, connection.channel() as channel:
        exchange = await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)
        for row in again:
            await exchange.publish(_message(row), row["type"], mandatory=False)


def _message(row: asyncpg.Record) -> Message:
    envelope = Envelope(
        id=row["event_id"],
        source=row["source"],
        type=row["type"],
        subject=row["subject"],
        time=row["created_at"],
        dataschema=row["dataschema"],
        aggregate_version=row["aggregate_version"],
    )
    return Message(
        row["data"].encode(),
        headers=dict(envelope.headers()),
        message_id=str(envelope.id),
        content_type="application/json",
        delivery_mode=DeliveryMode.PERSISTENT,
    )
