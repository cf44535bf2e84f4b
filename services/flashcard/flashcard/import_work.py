"""The work of an import: read the file, store its media, and write everything in one transaction, or nothing."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from logging import getLogger
from pathlib import Path
from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import Problem
from chassis.storage import Storage
from chassis.study_day import StudyDay

from flashcard.anki.archive import opened
from flashcard.anki.reading import read_package
from flashcard.erasure import AccountEnded, expect_account
from flashcard.importing import Importing, Preview
from flashcard.imports import LEASE, Claim, LeaseLost, advance, claim, forgotten, settle
from flashcard.incoming import Incoming, IncomingCard, distinct, renamed
from flashcard.media import MediaNames, Shelves, Stored
from flashcard.memory import Memory
from flashcard.metrics import FAILED_IMPORTS
from flashcard.rollover import tell_when_due
from flashcard.scheduling import DeckOptions
from flashcard.students import today_of
from flashcard.text_tables import MOST_BYTES, NotATable, read_table
from flashcard.working import work_on

log = getLogger(__name__)
_READ, _STORED = 0.1, 0.4
_HOLD_SECONDS = LEASE.total_seconds() / 4


def read_file(path: Path, counting: StudyDay) -> Incoming:
    """The cards in a file, a package or a table, each note once, for a student who counts days so. Raises `NotAPackage`, `NotATable`. Computes: call it in a thread."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(b"PK"):
        with opened(path) as archive:
            return distinct(read_package(archive, counting))
    if path.stat().st_size > MOST_BYTES:
        raise NotATable(f"A table may have {MOST_BYTES // 1_048_576} MiB. Split it.")
    return distinct(read_table(path.read_bytes()))


class ImportWork:
    """Does imports, one at a time; several processes may."""

    def __init__(self, database: Database, storage: Storage, clock: Clock, fresh: DeckOptions | None = None) -> None:
        self._database = database
        self._storage = storage
        self._clock = clock
        self._fresh = fresh

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. An import that is under way then is left to another process."""
        await work_on("imports", self.once, stop)

    async def once(self) -> bool:
        """Do one import, if one waits; whether there was one."""
        async with self._database.transaction() as session:
            mine = await claim(session, self._clock())
        if mine is None:
            return False
        try:
            await self._do(mine)
        except LeaseLost:
            log.warning("import %s was taken by another worker, or its student is gone", mine.id)
            await self._leave_nothing_of_the_erased(mine.user_id)
            return True
        except Problem as problem:
            async with self._database.transaction() as session:
                await settle(session, mine, None, problem.detail, self._clock())
            FAILED_IMPORTS.labels(problem.type).inc()
        await self._storage.discard(mine.storage_key)
        return True

    async def forget_old(self) -> None:
        """Remove imports that nobody wanted, with their files."""
        async with self._database.transaction() as session:
            keys = await forgotten(session, self._clock())
        for key in keys:
            await self._storage.discard(key)

    async def _do(self, mine: Claim) -> None:
        async with self._database.transaction() as session:
            counting, _ = await today_of(session, mine.user_id, self._clock())
        async with self._storage.local_copy(mine.storage_key) as path:
            incoming = await self._read(mine, path, counting)
            await self._advance(mine, _READ)
            stored = await self._store_media(mine, path, incoming)
        await self._advance(mine, _STORED)
        if not mine.scheduling:
            incoming = without_past(incoming)
        async with self._database.transaction() as session:
            names = await MediaNames(session, mine.user_id).keep(stored, self._clock())
            importing = Importing(session, mine.user_id, counting, self._clock(), self._fresh)

            async def progress(share: float) -> None:
                await self._advance(mine, _STORED + (1 - _STORED) * share * 0.99)

            done = await importing.apply(renamed(incoming, names), progress)
            await tell_when_due(session, mine.user_id, self._clock())
            await settle(session, mine, done, None, self._clock())

    async def _read(self, mine: Claim, path: Path, counting: StudyDay) -> Incoming:
        """What is in the file. A large one is read for longer than a lease lasts: it is held meanwhile."""
        reading = asyncio.create_task(asyncio.to_thread(read_file, path, counting))
        try:
            while not (await asyncio.wait({reading}, timeout=_HOLD_SECONDS))[0]:
                await self._advance(mine, 0.0)
            return await reading
        finally:
            reading.cancel()

    async def _leave_nothing_of_the_erased(self, owner: UUID) -> None:
        """An account may end while its pictures are stored here, after its folder was emptied."""
        with suppress(AccountEnded):
            async with self._database.transaction() as session:
                await expect_account(session, self._storage, owner)

    async def _store_media(self, mine: Claim, path: Path, incoming: Incoming) -> Mapping[str, Stored]:
        stored: dict[str, Stored] = {}
        if not incoming.media:
            return stored
        shelves = Shelves(self._storage, mine.user_id)
        with opened(path) as archive:
            for place, name in enumerate(incoming.media):
                stored[name] = await shelves.put(lambda name=name: archive.media_blocks(name), most=64 * 1024 * 1024)  # type: ignore[misc]  # bound at once
                if place % 50 == 0:
                    await self._advance(mine, _READ + (_STORED - _READ) * place / len(incoming.media))
        return stored

    async def _advance(self, mine: Claim, progress: float) -> None:
        async with self._database.transaction() as session:
            await advance(session, mine, progress, self._clock())


async def look(path: Path, database: Database, owner: UUID, clock: Clock, fresh: DeckOptions | None = None) -> Preview:
    """What importing this file would do; `fresh` are the options of decks that are not there. Raises `NotAPackage`, `NotATable`."""
    async with database.transaction() as session:
        counting, _ = await today_of(session, owner, clock())
    incoming = await asyncio.to_thread(read_file, path, counting)
    async with database.transaction() as session:
        return await Importing(session, owner, counting, clock(), fresh).preview(incoming)


def without_past(incoming: Incoming) -> Incoming:
    """The same cards as new ones."""
    fresh = [
        replace(note, cards=[IncomingCard(card.ordinal, Memory(), False, card.position) for card in note.cards])
        for note in incoming.notes
    ]
    return replace(incoming, notes=fresh)
