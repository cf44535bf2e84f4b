"""`mesh forget`: what a handler that is gone, or that takes less than before, has left on the broker."""

import argparse
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from mesh.broker import connected
from mesh.commands.contracts import load
from mesh.errors import MeshError
from mesh.topology import EXCHANGE, dead


class StillNeeded(MeshError):
    """A handler takes it, or something lies in it."""


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser(
        "forget",
        parents=[common],
        help="what a handler no longer takes, or the queues of one that is gone",
        description="When no process of the older version runs any more: one that starts binds its events again.",
    )
    parser.set_defaults(run=forget)
    parser.add_argument("--consumer", required=True, help="such as chat.offer_document_for_study")
    parser.add_argument("--type", help="an event that it no longer takes; without it, the consumer is gone")
    parser.add_argument("--drop", action="store_true", help="also with what lies in its queues")


async def forget(parsed: argparse.Namespace) -> int:
    """Unbind an event that no handler of the name takes, or delete the queues where there is no such handler."""
    queues = load().topology().queues
    taken = queues.get(parsed.consumer, ())
    if parsed.consumer in queues and (parsed.type is None or parsed.type in taken):
        raise StillNeeded(f"{parsed.consumer} is there, and takes {', '.join(taken)}")
    async with connected(parsed.amqp_url, "mesh forget") as connection:
        if parsed.type is not None:
            queue = await (await connection.channel()).get_queue(parsed.consumer)
            await queue.unbind(EXCHANGE, parsed.type)
            print(f"{parsed.consumer} gets no {parsed.type} any more")
            return 0
        for name in (parsed.consumer, dead(parsed.consumer)):
            print(f"{name}: {await _delete(connection, name, drop=parsed.drop)}")
    return 0


async def _delete(connection: AbstractConnection, name: str, *, drop: bool) -> str:
    channel: AbstractChannel
    async with connection.channel() as channel:
        try:
            queue = await channel.declare_queue(name, passive=True)
        except ChannelNotFoundEntity:
            return "was not there"
        # Asked and not left to the broker: quorum queues know neither if-unused nor if-empty.
        found = queue.declaration_result
        if found.consumer_count:
            raise StillNeeded(f"A process of an older version still takes from {name}")
        if found.message_count and not drop:
            raise StillNeeded(f"{found.message_count} messages lie in {name}: --drop deletes it with them")
        await queue.delete(if_unused=False, if_empty=False)
    return "deleted"
