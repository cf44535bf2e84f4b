"""What alerts are made of: counters begin at 0, so that the first event is seen, and a consumer says whether it is ready."""

import asyncio
from itertools import count

from devstack.line import Line
from devstack.waiting import until
from mesh import Consumer, Event, Subscriptions
from prometheus_client import REGISTRY

from .roles import running

# Names that no other test has used in this process.
NUMBERS = count()


class ItemLost(Event, type="tests.item.lost", version=1, aggregate="item"):
    item: str


def subscriptions() -> Subscriptions:
    shop = Subscriptions(f"shop{next(NUMBERS)}")

    @shop.on(ItemLost, inbox=False)
    async def search_for(event: ItemLost) -> None: ...

    @shop.broadcast(ItemLost)
    async def call_out(event: ItemLost) -> None: ...

    return shop


def value(metric: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(metric, labels)


async def test_counters_begin_at_zero_when_the_consumer_does(amqp_url: str) -> None:
    shop = subscriptions()
    once, everywhere = f"{shop.service}.search_for", f"{shop.service}.call_out"
    assert value("mesh_retries_total", consumer=once) is None
    async with running(Consumer(shop, amqp_url=amqp_url)):
        for metric in ("mesh_consumed_total", "mesh_inbox_hits_total", "mesh_retries_total"):
            assert value(metric, consumer=once) == 0
        for reason in ("unreadable", "permanent", "exhausted"):
            assert value("mesh_dead_letters_total", consumer=once, reason=reason) == 0
        for metric in ("mesh_consumed_total", "mesh_broadcasts_dropped_total"):
            assert value(metric, consumer=everywhere) == 0


async def shown(shop: Subscriptions, ready: int) -> None:
    async def is_shown() -> bool:
        return value("mesh_consumer_ready", service=shop.service) == ready

    await until(is_shown)


async def test_a_consumer_says_whether_it_is_ready(amqp_line: Line) -> None:
    shop = subscriptions()
    async with running(Consumer(shop, amqp_url=amqp_line.url)):
        await shown(shop, 1)
        await amqp_line.down()
        await shown(shop, 0)
        await amqp_line.up()
        await shown(shop, 1)
    await shown(shop, 0)


async def test_a_consumer_that_was_never_ready_says_so(amqp_line: Line) -> None:
    shop = subscriptions()
    await amqp_line.down()
    stop = asyncio.Event()
    serving = asyncio.create_task(Consumer(shop, amqp_url=amqp_line.url).run(stop))
    await shown(shop, 0)
    stop.set()
    await serving
