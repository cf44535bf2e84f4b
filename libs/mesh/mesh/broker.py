"""A connection to the broker that is made anew when it is lost, and publishing that the broker has confirmed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import aiormq
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from yarl import URL

# Seconds after which a silent peer is given up; a link that is cut without a word is noticed by nothing else.
HEARTBEAT = 15
CONNECT_SECONDS = 10
# What a connection that cannot be had, or that breaks, is told by: the last comes of using what it carried.
BROKEN = (AMQPError, OSError, ChannelInvalidStateError)


def address(amqp_url: str, name: str) -> str:
    """The URL with our heartbeat, and a name that operators see beside the connection."""
    url = URL(amqp_url)
    return str(url.update_query({"heartbeat": str(HEARTBEAT), **url.query, "name": name}))


@asynccontextmanager
async def connected(amqp_url: str, name: str) -> AsyncIterator[AbstractConnection]:
    """One plain connection: it is not mended but replaced, so that recovery takes the path of every start."""
    connection = await aio_pika.connect(address(amqp_url, name), timeout=CONNECT_SECONDS)
    try:
        yield connection
    finally:
        await closed(connection)


async def closed(connection: AbstractConnection) -> None:
    """Close it, with a word to the broker where there is still somebody to hear it. Raises `TimeoutError`."""
    async with asyncio.timeout(CONNECT_SECONDS):
        await connection.close()


async def confirming(connection: AbstractConnection) -> AbstractChannel:
    """A channel for publishing only. Its confirms say that every queue has the message on disk."""
    return await connection.channel(publisher_confirms=True, on_return_raises=False)


async def underlay(channel: AbstractChannel) -> aiormq.Channel:
    """The layer below aio-pika's channel, which knows its consumers and publishes with less ado."""
    found = await channel.get_underlay_channel()
    assert isinstance(found, aiormq.Channel)
    return found
