"""`mesh forget`: what a handler that is gone, or that takes less than before, has left on the broker."""

import argparse
from typing import Any

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity
from pamqp.commands import Queue

from mesh.broker import connected
from mesh.commands.contracts import load
from mesh.errors import MeshError
from mesh.topology import EXCHANGE, RUNGS, dead, rung


class StillNeeded(MeshError):
    """A handler takes it, or something lies in it."""


class NotOurs(MeshError):
    """No consumer has a queue of this name, or no event this type."""


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
    contracts, name = load(), parsed.consumer
    if name.endswith(dead("")) or name.startswith("studyteddy."):
        raise NotOurs(f"{name} is no consumer's queue: the mesh itself keeps dead letters or retries in it")
    queues = contracts.topology().queues
    taken = queues.get(name, ())
    if name in queues and (parsed.type is None or parsed.type in taken):
        raise StillNeeded(f"{name} is there, and takes {', '.join(taken)}")
    if parsed.type is not None and parsed.type not in {event.routing_key for event in contracts.events()}:
        raise NotOurs(f"There is no event {parsed.type}")
    async with connected(parsed.amqp_url, "mesh forget") as connection:
        if parsed.type is None:
            await _delete_queues(connection, name, drop=parsed.drop)
        else:
            await _unbind(connection, name, parsed.type)
    return 0


async def _unbind(connection: AbstractConnection, name: str, type_: str) -> None:
    async with connection.channel() as channel:
        try:
            queue = await channel.get_queue(name)
        except ChannelNotFoundEntity as error:
            raise NotOurs(f"There is no queue {name}") from error
        await queue.unbind(EXCHANGE, type_)
    print(f"{name} gets no {type_} any more")


async def _delete_queues(connection: AbstractConnection, name: str, *, drop: bool) -> None:
    # A retry whose queue is gone can never leave its rung, and the broker holds up what waits behind it.
    for waiting in map(rung, RUNGS):
        if (found := await _look(connection, waiting)) and found.message_count:
            raise StillNeeded(
                f"{found.message_count} retries wait in {waiting}, perhaps some of {name}: try again in some minutes"
            )
    # Asked and not left to the broker: quorum queues know neither if-unused nor if-empty.
    both = {queue: await _look(connection, queue) for queue in (name, dead(name))}
    for queue, found in both.items():
        if found and found.consumer_count:
            raise StillNeeded(f"A process of an older version still takes from {queue}")
        if found and found.message_count and not drop:
            raise StillNeeded(f"{found.message_count} messages lie in {queue}: --drop deletes it with them")
    for queue, found in both.items():
        async with connection.channel() as channel:
            await channel.queue_delete(queue)
        print(f"{queue}: {'deleted' if found else 'was not there'}")


async def _look(connection: AbstractConnection, name: str) -> Queue.DeclareOk | None:
    """How much lies in a queue and how many take from it; None where there is none."""
    try:
        async with connection.channel() as channel:
            return (await channel.declare_queue(name, passive=True)).declaration_result
    except ChannelNotFoundEntity:
        return None
