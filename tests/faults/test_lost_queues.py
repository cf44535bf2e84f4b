"""Queues deleted with what was in them, and filled again by an operator's command."""

import asyncio
import json

import aio_pika
import pytest
from devstack.waiting import until

from .books import opened
from .campus import CONSUMERS, Campus
from .scenario import Scenario

pytestmark = pytest.mark.long_form
LOST = ("chat.offer_document_for_study", "notifier.tell_of_document")
# Longer than a whole run: what was taken already, the inbox knows.
SINCE = "2h"


async def test_deleted_queues_are_refilled_by_republish(scenario: Scenario) -> None:
    campus = scenario.campus
    taking = [campus[name] for name in (*CONSUMERS, "notifier")]
    async with scenario.load() as ledger, opened(campus.mesh) as books:
        await scenario.pause(1.0, 3.0)
        await asyncio.gather(*(asyncio.to_thread(process.stop) for process in taking))

        async def something_lies_in_each() -> bool:
            return all([await books.waiting_in(queue) for queue in LOST])

        await until(something_lies_in_each, 60)
        await delete_queues(campus)
        await asyncio.gather(*(asyncio.to_thread(process.restart) for process in taking))
        assert any("has not taken" in wrong for wrong in await books.wrong(ledger)), "nothing was lost"
        code, said = await asyncio.to_thread(campus.tried, "audit", "--json", "--grace", "3s", "--since", SINCE)
        found = [json.loads(line) for line in said.splitlines()[:-1]]
        advice = {one["mend"] for one in found if one["about"] == "delivery" and one["which"] in LOST}
        assert (code, {command.split()[3] for command in advice}) == (1, {*LOST}), said
        for command in advice:
            await asyncio.to_thread(campus.command, *command.split()[1:])


async def delete_queues(campus: Campus) -> None:
    async with await aio_pika.connect(campus.mesh.stack.rabbitmq.url) as connection, connection.channel() as channel:
        for queue in LOST:
            await channel.queue_delete(queue)
