"""An import as a row: previewed, wanted, worked on by whoever holds its lease, done or failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from chassis.errors import Conflict, NotFound
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.importing import Preview
from flashcard.metrics import FAILED_IMPORTS, UNFINISHED
from flashcard.models import DeckImport, ImportStatus

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 3
KEEP = timedelta(days=1)
_WAITING = 20


class NoSuchImport(NotFound):
    type, title = "import-not-found", "No such import"


class ImportNotWaiting(Conflict):
    type, title = "import-not-waiting", "The import was begun already"


class TooManyImports(Conflict):
    type, title = "too-many-imports", "Too many imports are waiting"


class LeaseLost(Exception):
    """Another worker has the import, or it is gone."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An import that is to be done by whoever has this lease."""

    id: UUID
    user_id: UUID
    lease: UUID
    storage_key: str
    scheduling: bool


class Imports:
    """One student's imports. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def expect_room(self) -> None:
        """Raise `TooManyImports` before a file is taken that would wait for ever."""
        waiting = (ImportStatus.PREVIEWED, ImportStatus.QUEUED)
        statement = select(DeckImport.id).where(DeckImport.user_id == self._owner, col(DeckImport.status).in_(waiting))
        if len((await self._session.execute(statement)).all()) >= _WAITING:
            raise TooManyImports(f"{_WAITING} imports of yours are waiting. Run or delete some first.")

    def add(self, import_id: UUID, filename: str, key: str, preview: Preview, now: datetime) -> DeckImport:
        """Keep a file that was looked at."""
        made = DeckImport(
            id=import_id,
            user_id=self._owner,
            status=ImportStatus.PREVIEWED,
            filename=filename,
            storage_key=key,
            preview=preview.model_dump(mode="json"),
            lease_until=now,
            created_at=now,
        )
        self._session.add(made)
        return made

    async def get(self, import_id: UUID, *, lock: bool = False) -> DeckImport:
        """The import. Raises `NoSuchImport`, also for another student's."""
        statement = select(DeckImport).where(DeckImport.id == import_id, DeckImport.user_id == self._owner)
        found = (await self._session.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()
        if found is None:
            raise NoSuchImport("There is no such import of yours. POST /decks/import begins one.")
        return found

    async def run(self, import_id: UUID, *, scheduling: bool, now: datetime) -> DeckImport:
        """Want it done; wanting it again changes nothing. Raises `NoSuchImport`, `ImportNotWaiting`."""
        found = await self.get(import_id, lock=True)
        if found.status == ImportStatus.DONE:
            raise ImportNotWaiting("This import is done. Upload the file again to import it again.")
        if found.status != ImportStatus.QUEUED:
            found.status, found.scheduling, found.lease_until = ImportStatus.QUEUED, scheduling, now
            found.attempts, found.error, found.progress = 0, None, 0.0
        return found

    async def remove(self, import_id: UUID) -> str:
        """Forget the import; the key of its file. Raises `NoSuchImport`, `ImportNotWaiting`."""
        found = await self.get(import_id, lock=True)
        if found.status == ImportStatus.QUEUED:
            raise ImportNotWaiting("This import is being worked on. Wait until it is done.")
        await self._session.delete(found)
        return found.storage_key


async def claim(session: AsyncSession, now: datetime) -> Claim | None:
    """Take the import that waits longest; None if there is none. One that was tried too often fails."""
    statement = (
        select(DeckImport)
        .where(DeckImport.status == ImportStatus.QUEUED, DeckImport.lease_until <= now)
        .order_by(col(DeckImport.lease_until))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        return None
    if found.attempts >= MOST_ATTEMPTS:
        FAILED_IMPORTS.labels(UNFINISHED).inc()
        _end(found, now, "The import broke off several times. Try it again later, or import a part of the deck.")
        return None
    found.lease, found.lease_until, found.attempts = uuid4(), now + LEASE, found.attempts + 1
    return Claim(found.id, found.user_id, found.lease, found.storage_key, found.scheduling)


async def advance(session: AsyncSession, mine: Claim, progress: float, now: datetime) -> None:
    """Tell how far it is, and hold the lease longer. Raises `LeaseLost`."""
    statement = (
        update(DeckImport)
        .where(col(DeckImport.id) == mine.id, col(DeckImport.lease) == mine.lease)
        .values(progress=progress, lease_until=now + LEASE)
        .returning(col(DeckImport.id))
    )
    if (await session.execute(statement)).first() is None:
        raise LeaseLost


async def settle(session: AsyncSession, mine: Claim, done: Preview | None, error: str | None, now: datetime) -> None:
    """End it, in the transaction of what it did. Raises `LeaseLost`."""
    statement = select(DeckImport).where(DeckImport.id == mine.id, DeckImport.lease == mine.lease).with_for_update()
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise LeaseLost
    if done is not None:
        found.preview, found.progress = done.model_dump(mode="json"), 1.0
    _end(found, now, error)


async def forgotten(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Forget imports that are old and not being worked on; the keys of their files."""
    old = delete(DeckImport).where(
        col(DeckImport.created_at) < now - KEEP, col(DeckImport.status) != ImportStatus.QUEUED
    )
    return (await session.execute(old.returning(col(DeckImport.storage_key)))).scalars().all()


def _end(found: DeckImport, now: datetime, error: str | None) -> None:
    found.status = ImportStatus.FAILED if error else ImportStatus.DONE
    found.error, found.finished_at, found.lease = error, now, None
