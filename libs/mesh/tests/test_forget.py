"""`mesh forget`: a handler that goes, or takes less, leaves nothing behind that fills; what is needed stays."""

import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelNotFoundEntity
from mesh import Topology
from mesh.topology import EXCHANGE

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
