"""The same events again and again, in any order, taken by two consumers at once."""

import asyncio
from random import Random

import aio_pika
import asyncpg
import pytest
from aio_pika import DeliveryMode, ExchangeType, Message
from contracts.ingestion import DocumentProcessed
from devstack.waiting import until
from mesh import Envelope
from mesh.topology import EXCHANGE

from .books import opened
from .campus import CONSUMERS, Campus
from .scenario import Scenario

TIMES, DOCUMENTS = 10, 6


@pytest.mark.long_form
async def test_events_said_ten_times_out_of_order_to_two_consumers_at_once_have_one_effect(scenario: Scenario) -> None:
    campus = scenario.campus
    taking = [campus[name] for name in (*CONSUMERS, "notifier")]
    async with scenario.load() as ledger, opened(campus.mesh) as books:
        await scenario.pause(3.0, 5.0)
        await asyncio.gather(*(asyncio.to_thread(process.stop) for process in taking))
        student = scenario.students[-1]
        documents = {str(await student.upload()) for _ in range(DOCUMENTS)}

        async def all_were_read() -> bool:
            said = await books.said("ingestion", ledger.since["ingestion"])
            return documents <= {row["subject"] for row in said if row["type"] == DocumentProcessed.routing_key}

        await until(all_were_read, 90)
        await student.delete()
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
