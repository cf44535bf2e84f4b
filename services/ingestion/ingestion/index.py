"""The index role: keeps the vector index equal to the passages in PostgreSQL, and answers searches from it.

A new index (another model, a rebuild that was asked for, a lost folder) is filled beside the one that answers and takes its
place when it has caught up. On a Qdrant server many processes answer, and one of them writes: the one that holds an
advisory lock of PostgreSQL.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from logging import getLogger
from uuid import UUID

import asyncpg
import numpy as np
from chassis.database import Database
from chassis.errors import Unavailable
from chassis.personal_data import KEPT
from mesh.database import driver_connection
from mesh.inventories import Item
from numpy.typing import NDArray

from ingestion.edge_vectors import EdgeLibrary
from ingestion.embedding import Embedder, EmbeddingFailed
from ingestion.embedding import named as named_embedder
from ingestion.following import POLL_SECONDS, Follower, wait
from ingestion.models import PASSAGE_CHANNEL, SCHEMA
from ingestion.planning import Plan, Served, plan
from ingestion.rebuilding import Wish, last_wish
from ingestion.settings import Settings
from ingestion.vectors import Hit, Library, LibraryTaken, Shelf
from ingestion.words import Words, question_words

log = getLogger(__name__)

RETIRED_SECONDS = 10.0
"""How long a replaced shelf stays: searches under way, and other processes, may still be reading it."""
ANSWER_SECONDS = 5.0
"""A database that takes longer for a word is taken for lost."""
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_LOCK_NAME = f"{SCHEMA}.index"


@dataclass(frozen=True, slots=True)
class Question:
    """A question as a vector and as words, and the shelf that it is put to."""

    shelf: Shelf
    vector: NDArray[np.float32]
    words: Words
    model: str
    complete: bool
    """Whether the shelf has everything; else it is being filled."""

    async def near(self, owner: UUID, document_ids: Collection[UUID] | None, *, limit: int) -> list[Hit]:
        """The owner's passages of like meaning, unchecked: what the shelf says may be a moment old."""
        return await _answer(self.shelf.search(self.vector, user_id=owner, document_ids=document_ids, limit=limit))

    async def worded(self, owner: UUID, document_ids: Collection[UUID] | None, *, limit: int) -> list[Hit]:
        """The owner's passages that share words with the question, unchecked likewise."""
        return await _answer(self.shelf.search_words(self.words, user_id=owner, document_ids=document_ids, limit=limit))


async def _answer(search: Awaitable[list[Hit]]) -> list[Hit]:
    try:
        return await search
    except Exception as error:  # each engine has exceptions of its own
        log.exception("the vector index does not answer")
        raise Unavailable("Your material cannot be searched right now. Try again in a moment.") from error


class PassageIndex:
    """Made by the composition root; nothing is opened before `run`.

    `library` and `embedder_named` (the models of older indexes) stand in for what the settings say.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        embedder: Embedder,
        *,
        library: Library | None = None,
        embedder_named: Callable[[str], Embedder | None] | None = None,
        retired_seconds: float = RETIRED_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._library = library or library_of(settings)
        self._embedder_named = embedder_named or partial(named_embedder, settings)
        self._retired_seconds = retired_seconds
        self._poll = poll_seconds
        self._others: dict[str, Embedder | None] = {}
        self._served: list[Served] = []
        self._followers: list[Follower] = []
        self._retired: dict[str, float] = {}
        self._news = asyncio.Event()
        self._running = False

    async def ask(self, text: str) -> Question:
        """Put a question to the index; raises `Unavailable` where it cannot be."""
        for served in self._served:
            try:
                vector = await served.embedder.embed_query(text)
            except EmbeddingFailed as error:
                log.warning("a question could not be embedded: %s", error)
                continue
            return Question(served.shelf, vector, question_words(text), served.model, served.complete)
        raise Unavailable(
            "Search is not ready: the index or the model that reads questions cannot be reached. Try again in a moment."
        )

    async def items(self, after: UUID | None, limit: int, ids: Sequence[UUID] | None) -> Sequence[Item]:
        """The passages that it has, for `mesh audit`: those with the ids, or the next by id. Raises `Unavailable`."""
        if not self._served:
            raise Unavailable("The vector index is not open. Try again in a moment.")
        shelf = self._served[0].shelf
        try:
            found = await (shelf.versions(ids) if ids is not None else shelf.page(after, limit))
        except Exception as error:  # each engine has exceptions of its own
            log.exception("the vector index does not answer")
            raise Unavailable("The vector index does not answer. Try again in a moment.") from error
        return [Item(passage_id, content_version, KEPT) for passage_id, content_version in found.items()]

    async def check(self) -> None:
        """Ready check: raises while the role runs here and has no index to answer from."""
        if self._running and not self._served:
            raise RuntimeError("the vector index is not open yet")

    async def run(self, stop: asyncio.Event) -> None:
        """The role. Raises `LibraryTaken` where another process owns the index; of everything else it recovers.

        Afterwards the index still answers, for requests that are being finished, until it is closed.
        """
        self._running = True
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            await self._open(stop)
            while not stop.is_set():
                try:
                    await self._follow(stop)
                except Exception as error:  # what is there goes on answering
                    log.warning("the vector index does not follow the passages, trying again: %r", error)
                    await wait(stop, self._poll)
        finally:
            self._running = False
            stopping.cancel()

    async def close(self) -> None:
        """Let go of the index."""
        self._served, self._followers = [], []
        await self._library.close()
        for other in self._others.values():
            if other is not None:
                await other.close()
        self._others.clear()

    async def _open(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                return await self._library.open()
            except LibraryTaken:
                raise
            except Exception as error:  # a server that is not up yet
                log.warning("the vector index cannot be opened, trying again: %r", error)
                await wait(stop, self._poll)
        return None

    async def _follow(self, stop: asyncio.Event) -> None:
        async with driver_connection(self._database) as connection:
            await connection.add_listener(PASSAGE_CHANNEL, lambda *_: self._wake())
            connection.add_termination_listener(lambda _: self._wake())
            while not stop.is_set():
                await self._turn(connection, stop)

    async def _turn(self, connection: asyncpg.Connection, stop: asyncio.Event) -> None:
        """Serve until what there is to do changes. Raises when the connection, and with it the lock, is lost."""
        shared = self._library.shared
        writes = not shared or await connection.fetchval(_LOCK, _LOCK_NAME, timeout=ANSWER_SECONDS)
        now = await plan(self._library, self._database, self._embedder, self._other, writes=writes)
        self._served = now.served
        if not writes:
            await wait(stop, self._poll)
            return
        self._retire(now)
        self._followers = now.followers(self._database, self._poll, self._wake)
        tasks = [asyncio.create_task(follower.run(), name=follower.shelf.name) for follower in self._followers]
        try:
            while True:
                await self._rest(connection)
                await self._remove_retired()
                if stop.is_set() or now.overtaken(await self._wish()):
                    return
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _rest(self, connection: asyncpg.Connection) -> None:
        await wait(self._news, self._poll)
        self._news.clear()
        await connection.execute("SELECT 1", timeout=ANSWER_SECONDS)

    async def _wish(self) -> Wish:
        async with self._database.transaction() as session:
            return await last_wish(session)

    def _retire(self, now: Plan) -> None:
        due = asyncio.get_running_loop().time() + self._retired_seconds
        self._retired = {name: self._retired.get(name, due) for name in now.obsolete}

    async def _remove_retired(self) -> None:
        time = asyncio.get_running_loop().time()
        for name in [name for name, due in self._retired.items() if due <= time]:
            del self._retired[name]
            log.info("removing the index %s, which another has replaced", name)
            await self._library.remove(name)

    def _wake(self) -> None:
        self._news.set()
        for follower in self._followers:
            follower.wake.set()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake()

    def _other(self, model: str) -> Embedder | None:
        """The embedder of an index that another model made, if it can still be had."""
        if model == self._embedder.name:
            return self._embedder
        if model not in self._others:
            self._others[model] = self._embedder_named(model)
        return self._others[model]


def library_of(settings: Settings) -> Library:
    """The configured place of the vectors."""
    if settings.qdrant_url is None:
        return EdgeLibrary(settings.data_dir / "ingestion" / "vectors")
    # A second of CPU and tens of megabytes, which only who has a server needs.
    from qdrant_client import AsyncQdrantClient  # noqa: PLC0415

    from ingestion.qdrant_vectors import QdrantLibrary  # noqa: PLC0415

    key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
    return QdrantLibrary(AsyncQdrantClient(url=settings.qdrant_url, api_key=key, timeout=10, check_compatibility=False))
