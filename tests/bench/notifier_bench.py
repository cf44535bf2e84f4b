"""From the commit of an event to every open tab, through the whole mesh: outbox, relay, broker, notifier, gateway, WebSocket.

Beside it, from the same run: a raw consumer of the same events on the broker, so that what notifier and gateway add can be told.
The bound is the issue's: 50 ms at the median.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import quantiles
from typing import Any
from uuid import UUID, uuid4

import httpx
import uvloop
from aio_pika import connect
from aio_pika.abc import AbstractIncomingMessage
from bus.stage import until
from chassis.database import Database
from contracts.ingestion import DocumentProcessed
from devstack.local_mesh import LocalMesh
from mesh import Outbox
from mesh.topology import EXCHANGE
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from whole_mesh import whole_mesh

Hears = Callable[[dict[str, Any]], None]
TABS = 5
OTHERS = 100
EVENTS = 200
PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 30


class Arrivals:
    """When each event was committed, and when it came to each place."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.committed: dict[str, float] = {}
        self.arrived: dict[str, dict[str, list[float]]] = {name: {} for name in names}

    def note(self, where: str, document_id: str) -> None:
        self.arrived[where].setdefault(document_id, []).append(time.perf_counter())

    def waits(self, where: str, places: int) -> list[float]:
        """Until the last of the places had it."""
        found = self.arrived[where]
        return [
            max(found[document]) - since
            for document, since in self.committed.items()
            if len(found.get(document, ())) == places
        ]


async def measure(mesh: LocalMesh) -> None:
    arrivals = Arrivals(("tabs", "notified", "broker"))
    environment = mesh.environment
    database = Database(environment["INGESTION_DATABASE_URL"], schema="ingestion")
    async with AsyncExitStack() as stack:
        ada, token = await _sign_up(mesh, "ada")
        for _ in range(TABS):
            await stack.enter_async_context(_tab(mesh, token, lambda frame: _heard(arrivals, frame)))
        for number in range(OTHERS // 10):
            _, other = await _sign_up(mesh, f"other{number}")
            for _ in range(10):
                await stack.enter_async_context(_tab(mesh, other, lambda _: None))
        await stack.enter_async_context(_raw_consumer(environment["AMQP_URL"], arrivals))
        for _ in range(EVENTS):
            await _commit(database, ada, arrivals)
            await asyncio.sleep(PAUSE_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until(lambda: _all_there(arrivals))
    await database.close()
    _print("commit to a raw consumer", arrivals.waits("broker", 1))
    _print(f"commit to each of {TABS} tabs (beside {OTHERS} of others)", arrivals.waits("tabs", TABS), bound=50)
    _print("the same to the notification, a second event", arrivals.waits("notified", TABS))


async def _all_there(arrivals: Arrivals) -> bool:
    return len(arrivals.waits("notified", TABS)) == EVENTS


def _heard(arrivals: Arrivals, frame: dict[str, Any]) -> None:
    kind, data = frame["type"], frame["data"]
    if kind == "document.processed":
        arrivals.note("tabs", data["document_id"])
    elif kind == "notification":
        arrivals.note("notified", data["data"]["document_id"])


async def _commit(database: Database, owner: UUID, arrivals: Arrivals) -> None:
    event = DocumentProcessed(
        version=1, document_id=uuid4(), user_id=owner, title="Bench", content_version=1, pages=1, passages=1
    )
    async with database.transaction() as session:
        await Outbox(session, "ingestion").add(event)
        # Just before COMMIT is sent, which the figure so includes.
        arrivals.committed[str(event.document_id)] = time.perf_counter()


async def _sign_up(mesh: LocalMesh, name: str) -> tuple[UUID, str]:
    account = {"email": f"{name}-{uuid4().hex[:8]}@example.org", "password": uuid4().hex, "name": name}
    async with httpx.AsyncClient(base_url=f"{mesh.url}/api/v1", timeout=30) as client:
        answer = (await client.post("/auth/signup", json=account)).json()
    return UUID(answer["user"]["id"]), answer["access_token"]


@asynccontextmanager
async def _tab(mesh: LocalMesh, token: str, heard: Hears) -> AsyncIterator[None]:
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(f"{mesh.url}/ws/ticket", headers={"Authorization": f"Bearer {token}"})
    ticket = answer.json()["ticket"]
    async with open_socket(f"{mesh.url.replace('http', 'ws')}/ws?ticket={ticket}", compression=None) as socket:
        listening = asyncio.create_task(_listen(socket, heard))
        yield
        listening.cancel()


async def _listen(socket: ClientConnection, heard: Hears) -> None:
    async for message in socket:
        heard(json.loads(message))


@asynccontextmanager
async def _raw_consumer(amqp_url: str, arrivals: Arrivals) -> AsyncIterator[None]:
    async with await connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        await queue.bind(EXCHANGE, DocumentProcessed.routing_key)

        async def note(message: AbstractIncomingMessage) -> None:
            arrivals.note("broker", json.loads(message.body)["document_id"])

        await queue.consume(note, no_ack=True)
        yield


def _print(what: str, waits: list[float], bound: int | None = None) -> None:
    percentiles = [wait * 1000 for wait in quantiles(waits, n=100)]
    beside = "" if bound is None else f"   bound {bound} ms at the median"
    print(f"{what:<52} p50 {percentiles[49]:6.1f} ms   p99 {percentiles[98]:6.1f} ms{beside}")


def main() -> None:
    with whole_mesh(GATEWAY_STREAMS_PER_SESSION="100") as mesh:
        uvloop.run(measure(mesh))


if __name__ == "__main__":
    main()
