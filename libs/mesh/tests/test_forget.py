"""`mesh forget`: a handler that goes, or takes less, leaves nothing behind that fills; what is needed stays."""

import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelNotFoundEntity
from mesh import Topology
from mesh.topology import EXCHANGE, RUNGS, rung

from .conftest import Letters
from .desk import DEAD, QUEUE, CardBurnt, CardMade, Desk, MeshCommand, card
from .roles import running
from .wire import message_of

MADE, BURNT = CardMade.routing_key, CardBurnt.routing_key


@pytest.fixture
async def before(desk: Desk, broker: AbstractChannel) -> None:
    """What an older version declared."""
    await desk.topology.declare(broker)


@pytest.mark.usefixtures("before")
async def test_an_event_that_is_no_longer_taken_is_unbound_and_what_is_taken_is_not(
    desk: Desk, mesh_command: MeshCommand, broker: AbstractChannel, letters: Letters
) -> None:
    desk.topology = Topology({QUEUE: (MADE,)})
    exchange = await broker.get_exchange(EXCHANGE)
    assert (await mesh_command("forget", "--consumer", QUEUE, "--type", BURNT)).code == 0
    refused = await mesh_command("forget", "--consumer", QUEUE, "--type", MADE)
    assert (refused.code, refused.err) == (1, f"mesh: {QUEUE} is there, and takes {MADE}\n")
    assert (await mesh_command("forget", "--consumer", QUEUE)).code == 1
    for event in (CardMade(card="a", version=1), CardBurnt(card="a", version=2)):
        await exchange.publish(message_of(event), event.routing_key, mandatory=False)
    assert [message.headers["cloudEvents:type"] for message in await letters(QUEUE)] == [MADE]


@pytest.mark.usefixtures("before")
async def test_queues_of_a_handler_that_is_gone_are_deleted_once_nothing_lies_in_them(
    desk: Desk, mesh_command: MeshCommand, broker: AbstractChannel
) -> None:
    desk.topology = Topology({})
    async with running(desk.consumer):
        refused = await mesh_command("forget", "--consumer", QUEUE)
        assert (refused.code, refused.err.count("still takes from")) == (1, 1)
    await desk.send(card("a"))
    refused = await mesh_command("forget", "--consumer", QUEUE)
    assert (refused.code, refused.err) == (1, f"mesh: 1 messages lie in {QUEUE}: --drop deletes it with them\n")
    assert (await mesh_command("forget", "--consumer", QUEUE, "--drop")).out == f"{QUEUE}: deleted\n{DEAD}: deleted\n"
    assert (await mesh_command("forget", "--consumer", QUEUE)).out == f"{QUEUE}: was not there\n{DEAD}: was not there\n"
    with pytest.raises(ChannelNotFoundEntity):
        await broker.declare_queue(QUEUE, passive=True)


async def there(broker: AbstractChannel, *names: str) -> list[int | None]:
    """How much lies in each; raises where one is not there."""
    return [(await broker.declare_queue(name, passive=True)).declaration_result.message_count for name in names]


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("name", [DEAD, "another.handler.dead", rung(1.0), EXCHANGE])
async def test_only_what_a_handler_takes_from_can_be_forgotten(
    mesh_command: MeshCommand, broker: AbstractChannel, name: str
) -> None:
    refused = await mesh_command("forget", "--consumer", name, "--drop")
    assert (refused.code, refused.err.count(f"{name} is no consumer's queue")) == (1, 1)
    assert await there(broker, QUEUE, DEAD, rung(1.0)) == [0, 0, 0]


@pytest.mark.usefixtures("before")
async def test_both_queues_stay_while_dead_letters_lie_beside_an_empty_one(
    desk: Desk, mesh_command: MeshCommand, broker: AbstractChannel
) -> None:
    desk.topology = Topology({})
    await broker.default_exchange.publish(card("a"), DEAD)
    refused = await mesh_command("forget", "--consumer", QUEUE)
    assert (refused.code, refused.err) == (1, f"mesh: 1 messages lie in {DEAD}: --drop deletes it with them\n")
    assert await there(broker, QUEUE, DEAD) == [0, 1]


@pytest.mark.usefixtures("before")
async def test_its_queues_stay_while_a_retry_may_want_to_come_back(
    desk: Desk, mesh_command: MeshCommand, broker: AbstractChannel
) -> None:
    desk.topology = Topology({})
    longest = rung(RUNGS[-1])
    await (await broker.get_exchange(longest)).publish(card("a"), QUEUE)
    for options in ((), ("--drop",)):
        refused = await mesh_command("forget", "--consumer", QUEUE, *options)
        assert (refused.code, refused.err.count(f"1 retries wait in {longest}")) == (1, 1)
    assert await there(broker, QUEUE, DEAD) == [0, 0]
    await (await broker.get_queue(longest)).purge()
    assert (await mesh_command("forget", "--consumer", QUEUE)).code == 0


@pytest.mark.usefixtures("before")
async def test_what_there_is_not_is_said_to_be_so(desk: Desk, mesh_command: MeshCommand) -> None:
    desk.topology = Topology({QUEUE: (MADE,)})
    said = await mesh_command("forget", "--consumer", "desk.nobody", "--type", BURNT)
    assert (said.code, said.err) == (1, "mesh: There is no queue desk.nobody\n")
    said = await mesh_command("forget", "--consumer", QUEUE, "--type", "desk.card.bunrt")
    assert (said.code, said.out, said.err) == (1, "", "mesh: There is no event desk.card.bunrt\n")
