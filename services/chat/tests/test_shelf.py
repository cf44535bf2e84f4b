"""The shelf: what ingestion tells of documents, in whatever order it arrives."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from chassis.database import Database
from chat.events import bus
from chat.shelf import NotOnTheShelf, Shelf, StudentShelf
from contracts.ingestion import DocumentDeleted, DocumentProcessed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mesh import Consumer, Outbox, Relay, Topology
from sqlalchemy import text

ADA = uuid4()
# A document's whole history: read, read again under another title, deleted. None is the deletion.
HISTORY = ((2, "Cells"), (4, "Cells, revised"), (5, None))


async def tell(database: Database, document: UUID, news: Sequence[tuple[int, str | None]]) -> None:
    for version, title in news:
        async with database.transaction() as session:
            if title is None:
                await Shelf(session).remove(document, version, owner=ADA)
            else:
                await Shelf(session).put(document, version, owner=ADA, title=title)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_order_and_repetition_ends_the_same(database: Database, data: st.DataObject) -> None:
    known = data.draw(st.integers(1, len(HISTORY)))
    news = data.draw(st.permutations(HISTORY[:known] * 2))
    document = uuid4()
    await tell(database, document, news)
    async with database.transaction() as session:
        shelf = StudentShelf(session, ADA)
        title = HISTORY[known - 1][1]
        assert await shelf.titles([document]) == ({document: title} if title else {})
        assert await shelf.gone([document]) == (set() if title else {document})
        assert await StudentShelf(session, uuid4()).titles([document]) == {}


async def test_documents_are_chosen_once_and_only_ones_own(database: Database) -> None:
    mine, gone = uuid4(), uuid4()
    await tell(database, mine, [(1, "Mine")])
    await tell(database, gone, [(1, "Gone"), (2, None)])
    async with database.transaction() as session:
        assert await StudentShelf(session, ADA).choose([mine, mine]) == [mine]
        assert await StudentShelf(session, ADA).choose([]) == []
        with pytest.raises(NotOnTheShelf) as refused:
            await StudentShelf(session, ADA).choose([mine, gone])
        assert refused.value.members == {"document_ids": [str(gone)]}


async def test_events_fill_the_shelf(database: Database, amqp_url: str) -> None:
    kept, deleted = uuid4(), uuid4()
    async with database.transaction() as session:
        read = [
            DocumentProcessed(
                document_id=d, user_id=ADA, title="Cells", content_version=1, pages=3, passages=9, version=2
            )
            for d in (kept, deleted)
        ]
        await Outbox(session, "ingestion").add(DocumentDeleted(document_id=deleted, user_id=ADA, version=3), *read)
    stop = asyncio.Event()
    consumer = Consumer(bus, amqp_url=amqp_url, database=database, provide={Shelf: Shelf})
    relay = Relay("ingestion", database=database, amqp_url=amqp_url, topology=Topology.of(bus))
    running = [asyncio.create_task(consumer.run(stop)), asyncio.create_task(relay.run(stop))]
    async with asyncio.timeout(30):
        while True:
            if await received(database) == 3:
                break
            await asyncio.sleep(0.02)
    stop.set()
    await asyncio.gather(*running)
    async with database.transaction() as session:
        shelf = StudentShelf(session, ADA)
        assert await shelf.titles([kept, deleted]) == {kept: "Cells"}
        assert await shelf.gone([kept, deleted]) == {deleted}


async def received(database: Database) -> int:
    async with database.transaction() as session:
        count: int = (await session.execute(text("SELECT count(*) FROM inbox"))).scalar_one()
        return count
