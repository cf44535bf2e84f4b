"""A student's GraphQL socket, as a client has it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from chassis.tickets import Tickets
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from .school import Json, School, Student

TRANSPORT = [Subprotocol("graphql-transport-ws")]


async def ticket(school: School, student: Student) -> str:
    """A ticket, as notifier issues it."""
    tickets: Tickets = school.state.graphql_sockets._tickets
    return await tickets.issue(student.client.headers["authorization"].removeprefix("Bearer "))


class Socket:
    """An open socket of a student."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def sends(self, kind: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": kind} | fields))

    async def hears(self) -> Json:
        async with asyncio.timeout(20):
            message: Json = json.loads(await self.connection.recv())
        return message

    async def begins(self, query: str, identity: str = "1", **variables: Any) -> None:
        await self.sends("subscribe", id=identity, payload={"query": query, "variables": variables})

    async def tells(self, query: str, **variables: Any) -> list[Json]:
        """All events of a subscription, to its end."""
        await self.begins(query, **variables)
        return [event async for event in self.events()]

    async def events(self) -> AsyncIterator[Json]:
        while (message := await self.hears())["type"] == "next":
            assert "errors" not in message["payload"], message
            (event,) = message["payload"]["data"].values()
            yield event
        assert message == {"id": "1", "type": "complete"}

    async def refused(self, query: str, **variables: Any) -> str:
        """The type of the error that an operation is answered with."""
        await self.begins(query, **variables)
        message = await self.hears()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        kind = str(errors[0]["extensions"]["type"])
        if message["type"] == "next":
            assert (await self.hears())["type"] == "complete"
        return kind.rpartition(":")[2]

    async def closed(self) -> tuple[int | None, str | None]:
        """Code and reason of its end."""
        with suppress(ConnectionClosed):
            async with asyncio.timeout(20):
                async for _ in self.connection:
                    pass
        return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def opened(school: School, **payload: Any) -> AsyncIterator[Socket]:
    """A socket that has sent its `connection_init`."""
    url = school.url.replace("http", "ws") + "/graphql"
    async with connect(url, subprotocols=TRANSPORT) as connection:
        socket = Socket(connection)
        await socket.sends("connection_init", payload=payload)
        yield socket


@asynccontextmanager
async def signed_in(school: School, student: Student) -> AsyncIterator[Socket]:
    """A socket that was acknowledged."""
    async with opened(school, ticket=await ticket(school, student)) as socket:
        assert (await socket.hears())["type"] == "connection_ack"
        yield socket


def expect_whole(told: list[Json], answer: Json) -> None:
    assert [told[0]["__typename"], told[-2]["__typename"], told[-1]["__typename"]] == [
        "AnswerBegun",
        "AnswerCitations",
        "AnswerDone",
    ]
    assert [event["eventId"] for event in told] == [
        f"{answer['id']}.{answer['attempts']}.{number}" for number in range(1, len(told) + 1)
    ]
    assert "".join(event.get("text", "") for event in told) == answer["content"] == told[-1]["message"]["content"]
