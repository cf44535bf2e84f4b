"""A service's subscriptions say what it takes, for consumers, contracts and topology alike."""

import json
from pathlib import Path

import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelPreconditionFailed
from mesh import EphemeralEvent, Event, Subscriptions, Topology
from pamqp.common import FieldTable


class CardMade(Event, type="tests.card.made", version=1, aggregate="card"):
    card: str


class CardMadeBetter(Event, type="tests.card.made", version=2, aggregate="card"):
    card: str


class CardGlimpsed(EphemeralEvent, type="tests.card.glimpsed", version=1, aggregate="card"):
    card: str


def desk() -> Subscriptions:
    bus = Subscriptions("desk")

    @bus.on(CardMade, CardMadeBetter)
    async def file_card(event: CardMade | CardMadeBetter) -> None: ...

    @bus.broadcast(CardGlimpsed)
    async def show_card(event: CardGlimpsed) -> None: ...

    return bus


def test_subscription_is_known_by_service_and_handler() -> None:
    durable, broadcast = desk().describe()
    assert (durable.queue, durable.kind) == ("desk.file_card", "durable")
    assert (broadcast.name, broadcast.kind) == ("show_card", "broadcast")


def test_handler_subscribed_twice_is_refused() -> None:
    bus = Subscriptions("desk")

    async def file_card(event: CardMade) -> None: ...

    bus.on(CardMade)(file_card)
    with pytest.raises(TypeError, match="subscribed twice"):
        bus.on(CardMadeBetter)(file_card)


def test_what_may_be_lost_cannot_be_subscribed_durably() -> None:
    with pytest.raises(TypeError, match="ephemeral"):
        Subscriptions("desk").on(CardGlimpsed)


def test_subscription_to_nothing_is_refused() -> None:
    with pytest.raises(TypeError, match="at least one event"):
        Subscriptions("desk").on()
    with pytest.raises(TypeError, match="at least one event"):
        Subscriptions("desk").on(Event)


def test_topology_is_the_durable_subscriptions_and_survives_a_file(tmp_path: Path) -> None:
    topology = Topology.of(desk(), Subscriptions("quiet"))
    assert topology.queues == {"desk.file_card": ("tests.card.made.v1", "tests.card.made.v2")}
    assert topology.without_inbox == frozenset()
    assert topology.takers("tests.card.made.v2") == ["desk.file_card"]
    assert topology.takers("tests.card.glimpsed.v1") == []
    file = tmp_path / "topology.json"
    file.write_text(json.dumps(topology.dump()))
    assert Topology.load(file) == Topology.load(topology.dump()) == topology
    older = {"exchange": "studyteddy.events", "queues": {"desk.file_card": ["tests.card.made.v1"]}}
    assert Topology.load(older).without_inbox == frozenset()


async def test_dead_letters_of_an_older_version_are_left_as_they_are(broker: AbstractChannel) -> None:
    older: FieldTable = {"x-queue-type": "quorum"}
    await broker.declare_queue("desk.file_card.dead", durable=True, arguments=older)
    await Topology.of(desk()).declare(broker)
    await broker.declare_queue("desk.file_card.dead", durable=True, arguments=older)


async def test_topology_may_be_declared_again_and_stands_on_durable_quorum_queues(broker: AbstractChannel) -> None:
    topology = Topology.of(desk())
    await topology.declare(broker)
    await topology.declare(broker)
    for queue in ("desk.file_card", "desk.file_card.dead", "studyteddy.retry.250ms"):
        assert (await broker.declare_queue(queue, passive=True)).name == queue
    with pytest.raises(ChannelPreconditionFailed, match="x-queue-type"):
        await broker.declare_queue("desk.file_card.dead", durable=True)
