"""A user's right to leave, and to take everything along: auth begins both, every service does its part and says so."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.errors import NotFound, TooManyRequests
from contracts.auth import UserDeleted, UserExportRequested
from mesh import Outbox
from sqlalchemy import func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from auth.models import SCHEMA, Account, AuditEntry, DataExport, Erasure, UserSession

# Who keeps something of users beside auth itself.
SERVICES = ("ingestion", "chat", "flashcard", "notifier")
KEEP_EXPORTS = timedelta(days=7)
_BETWEEN_EXPORTS = timedelta(hours=1)


class NoSuchExport(NotFound):
    type, title = "export-not-found", "No such export"


class PersonalData:
    """Erasures and exports, in one transaction."""

    def __init__(self, session: AsyncSession, now: datetime) -> None:
        self._session = session
        self._outbox = Outbox(session, SCHEMA)
        self._now = now

    async def delete(self, account: Account) -> None:
        """Delete a locked account, and have the others erase what they keep. Its sessions have been ended before."""
        self._session.add(Erasure(user_id=account.id, requested_at=self._now, waiting_for=list(SERVICES)))
        await self._session.delete(account)
        await self._session.flush()
        await self._outbox.add(UserDeleted(user_id=account.id, version=account.version + 1))

    async def export(self, user_id: UUID) -> DataExport:
        """Ask everybody for what they keep of the user. Raises `TooManyRequests` where that was done a moment ago."""
        newest = select(DataExport).where(DataExport.user_id == user_id).order_by(col(DataExport.requested_at).desc())
        last = (await self._session.exec(newest.limit(1))).first()
        if last is not None and last.requested_at > self._now - _BETWEEN_EXPORTS:
            wait = int((last.requested_at + _BETWEEN_EXPORTS - self._now).total_seconds()) + 1
            raise TooManyRequests(
                "You have asked for this within the last hour. GET /users/me/exports lists it.", retry_after=wait
            )
        asked = DataExport(user_id=user_id, requested_at=self._now, waiting_for=list(SERVICES), ready=["auth"])
        self._session.add(asked)
        await self._session.flush()
        await self._outbox.add(UserExportRequested(export_id=asked.id, user_id=user_id, version=1))
        return asked

    async def exports(self, user_id: UUID) -> Sequence[DataExport]:
        """What the user asked for within the last days, the newest first."""
        recent = col(DataExport.requested_at) > self._now - KEEP_EXPORTS
        query = select(DataExport).where(DataExport.user_id == user_id, recent)
        return (await self._session.exec(query.order_by(col(DataExport.requested_at).desc()))).all()

    async def of_export(self, export_id: UUID, user_id: UUID) -> DataExport:
        """One of the user's exports. Raises `NoSuchExport`."""
        found = next((export for export in await self.exports(user_id) if export.id == export_id), None)
        if found is None:
            raise NoSuchExport(
                "There is no such export of yours, or it is older than a week. POST /users/me/export begins one."
            )
        return found

    async def records(self, user_id: UUID) -> list[dict[str, Any]]:
        """What auth itself keeps of the user; no hash and no token."""
        found: list[dict[str, Any]] = []
        for table, owner in (
            (Account, Account.id),
            (UserSession, UserSession.user_id),
            (AuditEntry, AuditEntry.subject_id),
        ):
            rows = (await self._session.exec(select(table).where(owner == user_id))).all()
            found += [{"table": table.__tablename__, **_shown(row.model_dump(mode="json"))} for row in rows]
        return found


class Progress:
    """What services say of erasures and exports. In any order and repetition it ends the same."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def erased(self, service: str, user_id: UUID, now: datetime) -> None:
        """The service keeps nothing of the user any more."""
        left = func.array_remove(col(Erasure.waiting_for), service)
        await self._session.execute(update(Erasure).where(col(Erasure.user_id) == user_id).values(waiting_for=left))
        done = (col(Erasure.user_id) == user_id) & (func.cardinality(col(Erasure.waiting_for)) == 0)
        await self._session.execute(
            update(Erasure).where(done, col(Erasure.finished_at).is_(None)).values(finished_at=now)
        )

    async def exported(self, service: str, export_id: UUID) -> None:
        """The service's part is ready."""
        left = func.array_remove(col(DataExport.waiting_for), service)
        ready = func.array_append(func.array_remove(col(DataExport.ready), service), service)
        await self._session.execute(
            update(DataExport).where(col(DataExport.id) == export_id).values(waiting_for=left, ready=ready)
        )


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None and not name.endswith(("_hash", "_key"))}
