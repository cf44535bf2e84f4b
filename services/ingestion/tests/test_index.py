"""The index role on real PostgreSQL and the embedded engine: it follows, it survives, it changes models without a gap."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from time import monotonic
from uuid import uuid4

import pytest
from chassis.clock import system_clock
from chassis.database import Database
from chassis.errors import Unavailable
from ingestion.index import PassageIndex
from ingestion.qdrant_vectors import QdrantLibrary
from ingestion.rebuilding import request_rebuild
from ingestion.vectors import LibraryTaken
from qdrant_client import AsyncQdrantClient
from sqlalchemy import text

from .indexed import (
    Student,
    Words,
    add_document,
    add_passages,
    indexed_ids,
    passage_ids,
    read_again,
    remove_document,
    running,
    settings_in,
    until,
)


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
def index(database: Database, words: Words, tmp_path: Path) -> PassageIndex:
    return PassageIndex(settings_in(tmp_path), database, words, retired_seconds=0, poll_seconds=0.1)


def shelves(folder: Path) -> set[str]:
    return {path.name for path in (folder / "ingestion" / "vectors").glob("passages-*")}


async def test_what_is_committed_is_found_without_waiting_for_a_poll(
    database: Database, words: Words, tmp_path: Path
) -> None:
    index = PassageIndex(settings_in(tmp_path), database, words, poll_seconds=30)
    async with running(index):
        ann = Student(database, index)
        await add_document(database, ann.id, words, "cells divide", "rivers flow")
        committed = monotonic()
        await ann.comes_to_find("rivers flow", "rivers flow", "cells divide")
        assert monotonic() - committed < 10


async def test_what_was_there_before_the_start_is_found(database: Database, words: Words, index: PassageIndex) -> None:
    ann = Student(database, index)
    await add_document(database, ann.id, words, *(f"passage {number}" for number in range(600)))
    async with running(index):
        await until(lambda: indexed_ids(index, ann.id), gives=await passage_ids(database))


async def test_a_deleted_document_leaves_search_at_once_and_the_index_soon(
    database: Database, words: Words, index: PassageIndex
) -> None:
    async with running(index):
        ann = Student(database, index)
        document = await add_document(database, ann.id, words, "cells divide")
        await ann.comes_to_find("cells", "cells divide")
        await remove_document(database, document)
        assert await ann.texts("cells") == []
        await until(lambda: indexed_ids(index, ann.id), gives=set())


async def test_a_document_read_again_is_found_by_its_new_text_alone(
    database: Database, words: Words, index: PassageIndex
) -> None:
    async with running(index):
        ann = Student(database, index)
        document = await add_document(database, ann.id, words, "cells divide", "cells grow")
        await ann.comes_to_find("cells divide", "cells divide")
        await read_again(database, document, ann.id, words, "cells rest")
        await ann.comes_to_find("cells", "cells rest")
        await until(lambda: indexed_ids(index, ann.id), gives=await passage_ids(database))


async def test_a_lost_folder_is_filled_from_postgresql(
    database: Database, words: Words, index: PassageIndex, tmp_path: Path
) -> None:
    ann = Student(database, index)
    await add_document(database, ann.id, words, "cells divide")
    async with running(index):
        await ann.comes_to_find("cells", "cells divide")
    shutil.rmtree(tmp_path / "ingestion" / "vectors")
    again = PassageIndex(settings_in(tmp_path), database, words)
    async with running(again):
        await Student(database, again, ann.id).comes_to_find("cells", "cells divide")


async def test_a_restart_goes_on_where_it_stopped(
    database: Database, words: Words, index: PassageIndex, tmp_path: Path
) -> None:
    ann = Student(database, index)
    document = await add_document(database, ann.id, words, "cells divide")
    async with running(index):
        await ann.comes_to_find("cells", "cells divide")
    before = shelves(tmp_path)
    await add_passages(database, document, ann.id, words, "cells grow", first=1)
    again = PassageIndex(settings_in(tmp_path), database, words)
    async with running(again):
        await Student(database, again, ann.id).comes_to_find("cells grow", "cells grow", "cells divide")
    assert shelves(tmp_path) == before


async def test_another_model_takes_over_without_a_gap(
    database: Database, words: Words, index: PassageIndex, tmp_path: Path
) -> None:
    ann = Student(database, index)
    document = await add_document(database, ann.id, words, "cells divide")
    async with running(index):
        await ann.comes_to_find("cells", "cells divide")
    (old,) = shelves(tmp_path)
    other = Words("other", 16)
    other.open.clear()
    changed = PassageIndex(
        settings_in(tmp_path),
        database,
        other,
        embedder_named={"words": words}.get,
        retired_seconds=0,
        poll_seconds=0.1,
    )
    async with running(changed):
        ann = Student(database, changed, ann.id)
        assert (await changed.ask("cells")).model == "words"
        assert await ann.texts("cells") == ["cells divide"]
        # What is uploaded meanwhile is found too, by the old model.
        late = Words("other", 16)
        await add_passages(database, document, ann.id, late, "cells grow", first=1)
        await ann.comes_to_find("cells grow", "cells grow", "cells divide")
        other.open.set()

        async def taken_over() -> bool:
            assert "cells divide" in await ann.texts("cells divide")
            return (await changed.ask("cells")).model == "other"

        await until(taken_over)
        assert await ann.texts("cells grow") == ["cells grow", "cells divide"]
        await until(lambda: old not in shelves(tmp_path))
    async with database.transaction() as session:
        models = await session.execute(text("SELECT DISTINCT embedding_model FROM passage"))
        assert models.scalars().all() == ["other"]


async def test_a_model_that_is_away_is_waited_for_and_the_old_index_answers(
    database: Database, words: Words, index: PassageIndex, tmp_path: Path
) -> None:
    ann = Student(database, index)
    await add_document(database, ann.id, words, "cells divide")
    async with running(index):
        await ann.comes_to_find("cells", "cells divide")
    other = Words("other")

    async def away() -> int:
        await other.embed_query("")
        return 32

    other.failing, other.dimensions = True, away  # type: ignore[method-assign]  # a model that cannot be reached
    changed = PassageIndex(
        settings_in(tmp_path), database, other, embedder_named={"words": words}.get, poll_seconds=0.1
    )
    async with running(changed):
        ann = Student(database, changed, ann.id)
        assert await ann.texts("cells") == ["cells divide"]
        other.failing = False
        await until(lambda: len(changed._served) == 1 and changed._served[0].model == "other")
        await ann.comes_to_find("cells", "cells divide")


async def test_a_question_goes_to_the_new_index_where_the_old_model_is_gone(
    database: Database, words: Words, index: PassageIndex, tmp_path: Path
) -> None:
    ann = Student(database, index)
    await add_document(database, ann.id, words, "cells divide")
    async with running(index):
        await ann.comes_to_find("cells", "cells divide")
    changed = PassageIndex(settings_in(tmp_path), database, Words("other"))
    async with running(changed):
        await Student(database, changed, ann.id).comes_to_find("cells", "cells divide")


async def test_a_rebuild_that_was_asked_for_replaces_the_index_without_a_gap(
    database: Database, words: Words, index: PassageIndex, tmp_path: Path
) -> None:
    async with running(index):
        ann = Student(database, index)
        await add_document(database, ann.id, words, "cells divide")
        await ann.comes_to_find("cells", "cells divide")
        before = shelves(tmp_path)
        words.embedded.clear()
        await request_rebuild(database, system_clock)

        async def replaced() -> bool:
            assert await ann.texts("cells") == ["cells divide"]
            return shelves(tmp_path).isdisjoint(before)

        await until(replaced)
        assert words.embedded == []
        await request_rebuild(database, system_clock, embed_again=True)
        await until(lambda: words.embedded == ["cells divide"])
        await until(lambda: len(shelves(tmp_path)) == 1)
        assert await ann.texts("cells") == ["cells divide"]


async def test_a_database_that_was_set_back_gets_a_new_index(
    database: Database, words: Words, index: PassageIndex, tmp_path: Path
) -> None:
    async with running(index):
        ann = Student(database, index)
        await add_document(database, ann.id, words, "cells divide")
        await ann.comes_to_find("cells", "cells divide")
        shelf = (await index.ask("cells")).shelf
    library = PassageIndex(settings_in(tmp_path), database, words)._library
    await library.open()
    (shelf,) = await library.shelves()
    await shelf.advance(replace(await shelf.progress(), cursor=2**50))
    await library.close()
    again = PassageIndex(settings_in(tmp_path), database, words, retired_seconds=0, poll_seconds=0.1)
    async with running(again):
        ann = Student(database, again, ann.id)
        await add_document(database, ann.id, words, "cells grow")
        await ann.comes_to_find("cells grow", "cells grow", "cells divide")
        await until(lambda: shelf.name not in shelves(tmp_path))


async def test_a_lost_connection_is_made_again(database: Database, words: Words, index: PassageIndex) -> None:
    async with running(index):
        ann = Student(database, index)
        await add_document(database, ann.id, words, "cells divide")
        await ann.comes_to_find("cells", "cells divide")
        async with database.transaction() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        await asyncio.sleep(
            0.5
        )  # the goodbyes have arrived: whoever asks before may be given a connection that is ending
        assert await ann.texts("cells") == ["cells divide"]
        await add_document(database, ann.id, words, "rivers flow")
        await ann.comes_to_find("rivers flow", "rivers flow")


async def test_a_second_owner_refuses_to_start(
    database: Database, words: Words, index: PassageIndex, tmp_path: Path
) -> None:
    async with running(index):
        second = PassageIndex(settings_in(tmp_path), database, words)
        with pytest.raises(LibraryTaken, match="One process owns it"):
            await second.run(asyncio.Event())
        await second.close()


async def test_without_an_index_a_search_says_so(database: Database, index: PassageIndex) -> None:
    await index.check()
    with pytest.raises(Unavailable, match="not ready"):
        await index.ask("cells")
    async with running(index):
        await index.check()


async def test_a_model_that_fails_makes_search_unavailable(
    database: Database, words: Words, index: PassageIndex
) -> None:
    async with running(index):
        words.failing = True
        with pytest.raises(Unavailable):
            await Student(database, index, uuid4()).finds("cells")


class OneServer(QdrantLibrary):
    """A library on a server that goes on when a process ends."""

    async def close(self) -> None:
        return None


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")
async def test_many_processes_answer_from_a_server_and_one_writes(
    database: Database, words: Words, tmp_path: Path
) -> None:
    client = AsyncQdrantClient(location=":memory:")

    def process() -> PassageIndex:
        server = OneServer(client)
        return PassageIndex(settings_in(tmp_path), database, words, library=server, poll_seconds=0.1)

    first, second = process(), process()
    ann = Student(database, second)
    async with running(second), running(first):
        await add_document(database, ann.id, words, "cells divide")
        await ann.comes_to_find("cells", "cells divide")
        await Student(database, first, ann.id).comes_to_find("cells", "cells divide")
        assert len((await client.get_collections()).collections) == 1
        assert [bool(each._followers) for each in (first, second)] == [False, True]
        await request_rebuild(database, system_clock)
        await until(lambda: first._served[0].progress.rebuild == second._served[0].progress.rebuild > 0)
        assert await Student(database, first, ann.id).texts("cells") == ["cells divide"]
    # The one that wrote is gone: another takes its place.
    third, fourth = process(), process()
    async with running(third), running(fourth):
        await add_document(database, ann.id, words, "rivers flow")
        await Student(database, fourth, ann.id).comes_to_find("rivers flow", "rivers flow", "cells divide")
    await client.close()


class LateServer(OneServer):
    """A server that is not up yet."""

    def __init__(self, client: AsyncQdrantClient) -> None:
        super().__init__(client)
        self.up = asyncio.Event()
        self.tried = asyncio.Event()

    async def open(self) -> None:
        self.tried.set()
        if not self.up.is_set():
            raise ConnectionError


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")
async def test_a_server_that_is_not_up_is_waited_for(database: Database, words: Words, tmp_path: Path) -> None:
    client = AsyncQdrantClient(location=":memory:")
    server = LateServer(client)
    index = PassageIndex(settings_in(tmp_path), database, words, library=server, poll_seconds=0.1)
    stop = asyncio.Event()
    role = asyncio.create_task(index.run(stop))
    await server.tried.wait()
    with pytest.raises(RuntimeError, match="not open yet"):
        await index.check()
    server.up.set()
    ann = Student(database, index)
    await add_document(database, ann.id, words, "cells divide")
    await ann.comes_to_find("cells", "cells divide")
    await index.check()
    stop.set()
    await role
    # Requests that are being finished are still answered.
    assert await ann.texts("cells") == ["cells divide"]
    await index.close()
    with pytest.raises(Unavailable):
        await ann.texts("cells")
    await client.close()


async def test_a_process_told_to_stop_before_it_is_open_stops(database: Database, words: Words, tmp_path: Path) -> None:
    client = AsyncQdrantClient(location=":memory:")
    server = LateServer(client)
    index = PassageIndex(settings_in(tmp_path), database, words, library=server)
    stop = asyncio.Event()
    role = asyncio.create_task(index.run(stop))
    await server.tried.wait()
    stop.set()
    await asyncio.wait_for(role, 5)
    await client.close()
