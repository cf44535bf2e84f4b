"""A bad message stops nobody: it is tried again while that can help, then kept with all that is known of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel
from devstack.waiting import until
from mesh import Consumer, Envelope, Event, Permanent, Retry, Subscriptions
from mesh.publishing import Outgoing
from mesh.topology import DEAD_ARGUMENTS
from prometheus_client import REGISTRY

from .conftest import Letters
from .roles import running
from .wire import message_of

Send = Callable[..., Awaitable[None]]
Dead = Callable[[int], Awaitable[list[Any]]]


class CardMade(Event, type="tests.card.made", version=1, aggregate="card"):
    card: str


class Unsuitable(Permanent):
    pass


SOON = Retry(attempts=3, first=0.05)


def message(card: str, headers: dict[str, Any] | None = None, body: bytes | None = None) -> Message:
    made = message_of(CardMade(card=card, version=1), headers=headers)
    if body is not None:
        made.body = body
    return made


class Desk:
    """A service whose handler fails for certain cards."""

    def __init__(self, retry: Retry = SOON) -> None:
        self.bus = Subscriptions("desk")
        self.tries: list[tuple[str, int]] = []

        @self.bus.on(CardMade, retry=retry, inbox=False)
        async def file_card(event: CardMade, envelope: Envelope) -> None:
            self.tries.append((event.card, envelope.attempt))
            if event.card == "cancelled":
                raise asyncio.CancelledError
            if event.card == "permanent":
                raise Unsuitable("it has two faces")
            if event.card == "failing" or (event.card == "late" and envelope.attempt < 3):
                raise RuntimeError(f"try {envelope.attempt} failed")

    def served(self, card: str) -> Callable[[], Awaitable[bool]]:
        async def is_served() -> bool:
            return card in [tried for tried, _ in self.tries]

        return is_served


@pytest.fixture
def send(broker: AbstractChannel) -> Send:
    async def publish(*messages: Message) -> None:
        for one in messages:
            await broker.default_exchange.publish(one, "desk.file_card")

    return publish


@pytest.fixture
def dead(broker: AbstractChannel, letters: Letters) -> Dead:
    """As many dead letters, once they are there."""

    async def wait_for(count: int) -> list[Any]:
        async def arrived() -> bool:
            queue = await broker.declare_queue("desk.file_card.dead", durable=True, arguments=DEAD_ARGUMENTS)
            return queue.declaration_result.message_count == count

        await until(arrived)
        return await letters("desk.file_card.dead")

    return wait_for


async def test_transient_failure_is_tried_again_until_it_passes(
    amqp_url: str, send: Send, broker: AbstractChannel
) -> None:
    desk = Desk()
    async with running(Consumer(desk.bus, amqp_url=amqp_url)):
        await send(message("late"))

        async def passed() -> bool:
            return desk.tries == [("late", 1), ("late", 2), ("late", 3)]

        await until(passed)
    assert (await broker.declare_queue("desk.file_card.dead", passive=True)).declaration_result.message_count == 0


async def test_exhausted_message_is_kept_with_reason_stack_and_attempts(amqp_url: str, send: Send, dead: Dead) -> None:
    began = datetime.now(UTC)
    async with running(Consumer(Desk().bus, amqp_url=amqp_url)):
        sent = message("failing", {"note": "kept"})
        await send(sent)
        (letter,) = await dead(1)
    headers = letter.headers
    assert (letter.body, letter.message_id, letter.content_type) == (sent.body, sent.message_id, sent.content_type)
    assert letter.delivery_mode == DeliveryMode.PERSISTENT
    assert headers["mesh-reason"] == "exhausted"
    assert headers["mesh-attempt"] == 3
    assert headers["mesh-consumer"] == "desk.file_card"
    assert headers["mesh-error"] == "RuntimeError: try 3 failed"
    assert "in file_card" in headers["mesh-stack"]
    first, last = (datetime.fromisoformat(headers[name]) for name in ("mesh-first-failed-at", "mesh-last-failed-at"))
    assert began <= first < last <= datetime.now(UTC)
    assert headers["cloudEvents:type"] == "tests.card.made.v1"
    assert headers["note"] == "kept"
    assert "x-death" not in headers


async def test_permanent_failure_is_dead_at_once(amqp_url: str, send: Send, dead: Dead) -> None:
    desk = Desk(Retry(attempts=100, first=60))
    async with running(Consumer(desk.bus, amqp_url=amqp_url)):
        await send(message("permanent"))
        (letter,) = await dead(1)
    assert (letter.headers["mesh-reason"], letter.headers["mesh-attempt"]) == ("permanent", 1)
    assert desk.tries == [("permanent", 1)]


UNREADABLE: dict[str, Callable[[], Message]] = {
    "no envelope": lambda: Message(b"hello", delivery_mode=2),
    "not json": lambda: message("x", body=b"\xff\x00{"),
    "empty": lambda: message("x", body=b""),
    "a field is missing": lambda: message("x", body=b'{"version": 1}'),
    "a field has another type": lambda: message("x", body=b'{"version": "one", "card": {}}'),
    "unknown version": lambda: message("x", {"cloudEvents:type": "tests.card.made.v2"}),
    "unknown type": lambda: message("x", {"cloudEvents:type": "tests.card.eaten.v1"}),
    "id is no id": lambda: message("x", {"cloudEvents:id": "one"}),
    "headers of other types": lambda: message(
        "x", {"cloudEvents:type": 1, "mesh-attempt": "many", "nested": {"a": [1]}}
    ),
}


async def test_what_cannot_be_read_is_dead_at_once_and_holds_nobody_up(amqp_url: str, send: Send, dead: Dead) -> None:
    desk = Desk()
    async with running(Consumer(desk.bus, amqp_url=amqp_url)):
        await send(*[make() for make in UNREADABLE.values() for _ in range(5)], message("fine"))
        await until(desk.served("fine"))
        found = await dead(5 * len(UNREADABLE))
    assert {letter.headers["mesh-reason"] for letter in found} == {"unreadable"}
    assert {letter.headers["mesh-attempt"] for letter in found} == {1}
    assert desk.tries == [("fine", 1)]


async def test_failing_messages_do_not_hold_up_those_behind_them(amqp_url: str, send: Send) -> None:
    desk = Desk(Retry(attempts=5, first=30))
    async with running(Consumer(desk.bus, amqp_url=amqp_url)):
        await send(*[message("failing") for _ in range(150)], message("fine"))
        await until(desk.served("fine"))


async def test_message_that_keeps_killing_its_process_is_dead_lettered_by_the_broker(
    amqp_url: str, send: Send, broker: AbstractChannel, dead: Dead
) -> None:
    async with running(Consumer(Desk().bus, amqp_url=amqp_url)):
        pass
    await send(message("deadly"))
    queue = await broker.get_queue("desk.file_card")
    while (delivery := await queue.get(fail=False)) is not None:
        await delivery.nack(requeue=True)
    (letter,) = await dead(1)
    assert letter.headers["x-death"][0]["reason"] == "delivery_limit"


async def test_message_is_not_lost_when_the_dead_letter_queue_is_gone(
    amqp_url: str, send: Send, broker: AbstractChannel, dead: Dead
) -> None:
    desk = Desk()
    async with running(Consumer(desk.bus, amqp_url=amqp_url)):
        await broker.queue_delete("desk.file_card.dead")
        await send(message("permanent"))
        await until(desk.served("permanent"))
        (letter,) = await dead(1)
    assert len(desk.tries) > 1
    assert letter.headers["mesh-reason"] == "permanent"


async def test_message_that_cannot_even_be_buried_is_dead_lettered_by_the_broker(
    amqp_url: str, send: Send, dead: Dead, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unencodable(letter: Any, *_: object, **__: object) -> Outgoing:
        return Outgoing("desk.file_card.dead", letter.message_id, {"what": object()}, letter.body)

    monkeypatch.setattr("mesh.delivery.dead_letter", unencodable)
    async with running(Consumer(Desk().bus, amqp_url=amqp_url)):
        await send(message("permanent"))
        (letter,) = await dead(1)
    assert letter.headers["x-death"][0]["reason"] == "rejected"


async def test_message_with_more_headers_than_fit_beside_a_stack_is_buried_with_less(
    amqp_url: str, send: Send, dead: Dead
) -> None:
    desk = Desk()
    async with running(Consumer(desk.bus, amqp_url=amqp_url)):
        await send(
            message("permanent", {"blob": "x" * 120_000}),
            message("x", {"cloudEvents:note": "€" * 40_000}, body=b"{"),
            message("fine"),
        )
        await until(desk.served("fine"))
        found = await dead(2)
    assert {letter.headers["mesh-reason"] for letter in found} == {"permanent", "unreadable"}
    assert all(letter.headers["cloudEvents:type"] == "tests.card.made.v1" for letter in found)
    assert len(desk.tries) == 2


async def test_cancellation_inside_a_handler_is_a_failure_like_any_other(amqp_url: str, send: Send, dead: Dead) -> None:
    async with running(Consumer(Desk().bus, amqp_url=amqp_url)):
        await send(message("cancelled"))
        (letter,) = await dead(1)
    assert letter.headers["mesh-reason"] == "exhausted"


async def test_retries_and_dead_letters_are_counted(amqp_url: str, send: Send, dead: Dead) -> None:
    def counts() -> tuple[float, float]:
        retries = REGISTRY.get_sample_value("mesh_retries_total", {"consumer": "desk.file_card"})
        labels = {"consumer": "desk.file_card", "reason": "exhausted"}
        return retries or 0.0, REGISTRY.get_sample_value("mesh_dead_letters_total", labels) or 0.0

    retries, letters = counts()
    async with running(Consumer(Desk().bus, amqp_url=amqp_url)):
        await send(message("failing"))
        await dead(1)
    assert counts() == (retries + 2, letters + 1)
