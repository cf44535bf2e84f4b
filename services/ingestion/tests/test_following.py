"""A shelf ends equal to PostgreSQL whatever happens on the way: any order of commits, a failure at any step, a kill."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from chassis.database import Database
from ingestion.changes import changes_after
from ingestion.edge_vectors import EdgeLibrary
from ingestion.following import Follower
from ingestion.qdrant_vectors import QdrantLibrary
from ingestion.vectors import Library, Progress, Shelf
from qdrant_client import AsyncQdrantClient

from .indexed import Words, add_document, add_passages, passage_ids, read_again, remove_document, until

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")
OWNER = UUID(int=7)


async def held(shelf: Shelf) -> set[UUID]:
    vector = await Words().embed_query("anything")
    return {hit.passage_id for hit in await shelf.search(vector, user_id=OWNER, limit=10_000)}


async def some_history(database: Database, dice: random.Random, steps: int) -> None:
    """Documents come, grow, are read again and go."""
    words = Words()
    documents: dict[UUID, int] = {}
    for _ in range(steps):
        kind = dice.random()
        if kind < 0.5 or not documents:
            texts = [f"text {dice.random()}" for _ in range(dice.randint(1, 4))]
            documents[await add_document(database, OWNER, words, *texts)] = len(texts)
        elif kind < 0.7:
            document = dice.choice(list(documents))
            await add_passages(database, document, OWNER, words, "more", first=documents[document], version=1)
            documents[document] += 1
        elif kind < 0.85:
            document = dice.choice(list(documents))
            await read_again(database, document, OWNER, words, "anew")
            del documents[document]
        else:
            document = dice.choice(list(documents))
            await remove_document(database, document)
            del documents[document]


@pytest.fixture
async def library() -> AsyncIterator[Library]:
    """In memory: making a folder takes longer than these tests."""
    library = QdrantLibrary(AsyncQdrantClient(location=":memory:"))
    yield library
    await library.close()


async def new_shelf(library: Library) -> Shelf:
    return await library.create(Progress("words", 32, 0))


async def follower(shelf: Shelf, database: Database) -> Follower:
    return Follower(shelf, await shelf.progress(), database, Words(), keep=True, poll_seconds=0.05)


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_small_batches_end_where_one_large_one_does(database: Database, library: Library, limit: int) -> None:
    await some_history(database, random.Random(limit), 30)
    shelf = await new_shelf(library)
    following = await follower(shelf, database)
    while await following.step(limit):
        pass
    assert await held(shelf) == await passage_ids(database)
    assert following.progress.complete


async def test_nothing_is_skipped_while_many_write_at_once(database: Database, library: Library) -> None:
    shelf = await new_shelf(library)
    role = asyncio.create_task((await follower(shelf, database)).run())
    await asyncio.gather(*(some_history(database, random.Random(seed), 15) for seed in range(6)))
    await until(lambda: held(shelf), gives=await passage_ids(database))
    role.cancel()


async def test_a_batch_ends_before_what_the_other_kind_may_still_hold(database: Database) -> None:
    words = Words()
    first = await add_document(database, OWNER, words, "a", "b")
    await remove_document(database, first)
    await add_document(database, OWNER, words, "c", "d", "e")
    async with database.transaction() as session:
        whole = await changes_after(session, 0)
    async with database.transaction() as session:
        part = await changes_after(session, 0, 2)
    assert (len(whole.passages), len(whole.removals), whole.more) == (3, 1, False)
    assert (len(part.passages), len(part.removals), part.more) == (2, 1, True)
    assert part.cursor == part.passages[-1].change_seq


class Fails(Exception):
    """What the engine is made to raise."""


class Fragile:
    """A shelf whose n-th write fails, before it was done or after."""

    def __init__(self, shelf: Shelf, fails_at: int, *, after: bool) -> None:
        self._shelf = shelf
        self._left = fails_at
        self._after = after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._shelf, name)
        if name not in ("upsert", "delete_document", "advance"):
            return method

        async def write(*args: Any, **options: Any) -> None:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Fails
            await method(*args, **options)
            if self._left == 0:
                raise Fails

        return write


@pytest.mark.parametrize("after", [False, True])
async def test_a_failure_at_any_write_changes_nothing_in_the_end(
    database: Database, library: Library, *, after: bool
) -> None:
    await some_history(database, random.Random(3), 10)
    wanted = await passage_ids(database)
    for fails_at in range(1, 60):
        shelf = await new_shelf(library)
        fragile: Any = Fragile(shelf, fails_at, after=after)
        try:
            broken = await follower(fragile, database)
            while await broken.step(3):
                pass
        except Fails:
            pass
        else:
            break
        # What a new process finds: the shelf, and the cursor in it.
        again = await follower(shelf, database)
        while await again.step(3):
            pass
        assert await held(shelf) == wanted
        await library.remove(shelf.name)
    assert fails_at > 6


async def test_a_step_that_failed_is_taken_again(database: Database, library: Library) -> None:
    await some_history(database, random.Random(4), 5)
    shelf = await new_shelf(library)
    fragile: Any = Fragile(shelf, 2, after=True)
    role = asyncio.create_task((await follower(fragile, database)).run())
    await until(lambda: held(shelf), gives=await passage_ids(database))
    role.cancel()


async def test_what_another_model_embedded_is_embedded_once_and_kept(database: Database, library: Library) -> None:
    document = await add_document(database, OWNER, Words("old"), *(f"text {i}" for i in range(20)))
    shelf, words = await new_shelf(library), Words()
    following = Follower(shelf, await shelf.progress(), database, words, keep=True)
    while await following.step():
        pass
    assert sorted(words.embedded) == sorted(f"text {i}" for i in range(20))
    assert await held(shelf) == await passage_ids(database)
    later = Words()
    second = await new_shelf(library)
    following = Follower(second, await second.progress(), database, later, keep=True)
    while await following.step():
        pass
    assert later.embedded == []
    await remove_document(database, document)


async def test_vectors_that_cannot_be_read_are_made_again(database: Database, library: Library) -> None:
    broken = Words(dimensions=31)
    await add_document(database, OWNER, broken, "a text")
    shelf, words = await new_shelf(library), Words()
    following = Follower(shelf, await shelf.progress(), database, words, keep=False)
    await following.step()
    assert words.embedded == ["a text"]
    assert await held(shelf) == await passage_ids(database)


FOLLOW = """
import asyncio, sys
from pathlib import Path
from chassis.database import Database
from ingestion.edge_vectors import EdgeLibrary
from ingestion.following import Follower
from ingestion.qdrant_vectors import QdrantLibrary
from ingestion.vectors import Progress
async def main():
    library = EdgeLibrary(Path(sys.argv[2]))
    await library.open()
    shelf = next(iter(await library.shelves()), None) or await library.create(Progress("words", 32, 0))
    follower = Follower(shelf, await shelf.progress(), Database(sys.argv[1], schema="ingestion"), None, keep=False)
    while True:
        print(await follower.step(3), flush=True)
asyncio.run(main())
"""


async def test_a_kill_at_any_moment_loses_nothing(database: Database, tmp_path: Path) -> None:
    dice = random.Random()  # another moment in each run
    history = asyncio.create_task(some_history(database, random.Random(5), 40))
    for _ in range(2):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", FOLLOW, database.url, str(tmp_path), stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        for _ in range(dice.randint(1, 12)):
            assert await child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        await child.communicate()
    await history
    library = EdgeLibrary(tmp_path)
    await library.open()
    (shelf,) = await library.shelves()
    following = await follower(shelf, database)
    while await following.step(7):
        pass
    assert await held(shelf) == await passage_ids(database)
    await library.close()
