"""Who did what to whom, for those who must answer for it later."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from auth.models import AuditEntry


class Action(StrEnum):
    """What is recorded. The values are stable: they stand in rows and in answers."""

    ROLES_CHANGED = "user.roles_changed"
    SUSPENDED = "user.suspended"
    REINSTATED = "user.reinstated"
    PASSWORD_RESET = "user.password_reset"  # noqa: S105 - the name of a fact
    PASSWORD_CHANGED = "user.password_changed"  # noqa: S105 - the name of a fact
    ACCOUNT_DELETED = "user.account_deleted"
    FIRST_ADMIN = "user.first_admin"
    TOKEN_REUSED = "session.token_reused"  # noqa: S105 - the name of a fact
    KEY_ADDED = "signing_key.added"
    KEYS_WITHDRAWN = "signing_key.all_withdrawn"


class AuditLog:
    """The log, in the transaction of what it tells. It is only ever added to; retention drops the oldest."""

    def __init__(self, session: AsyncSession, now: datetime) -> None:
        self._session = session
        self._now = now

    def add(
        self,
        action: Action,
        *,
        subject_id: UUID | None = None,
        actor_id: UUID | None = None,
        address: str | None = None,
        **detail: Any,
    ) -> None:
        """Record an action; `detail` is kept as JSON."""
        self._session.add(
            AuditEntry(
                at=self._now, action=action, actor_id=actor_id, subject_id=subject_id, address=address, detail=detail
            )
        )


async def entries(
    session: AsyncSession,
    *,
    limit: int,
    before: int | None = None,
    subject_id: UUID | None = None,
    actor_id: UUID | None = None,
    action: Action | None = None,
) -> Sequence[AuditEntry]:
    """The newest entries first, those before the entry with id `before`."""
    query = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(AuditEntry.id) < before)
    if subject_id is not None:
        query = query.where(AuditEntry.subject_id == subject_id)
    if actor_id is not None:
        query = query.where(AuditEntry.actor_id == actor_id)
    if action is not None:
        query = query.where(AuditEntry.action == action)
    return (await session.exec(query)).all()
