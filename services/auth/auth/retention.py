"""What is kept no longer than it is needed. Each call deletes a bounded number of rows, so that nobody waits for it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from auth.models import AuditEntry, MailLink, RefreshToken, Revocation, UserSession

BATCH = 2000


async def drop_expired(session: AsyncSession, now: datetime, *, keep_sessions: timedelta, keep_audit: timedelta) -> int:
    """Delete expired revocations, tokens and links, sessions that ended long ago, and old audit entries; how many rows.

    A used refresh token stays until it would have expired: so long its reuse ends the family.
    """
    return sum(
        [
            await _drop(session, col(Revocation.session_id), col(Revocation.tokens_expire_at) <= now),
            await _drop(session, col(RefreshToken.digest), col(RefreshToken.expires_at) <= now),
            await _drop(session, col(MailLink.digest), col(MailLink.expires_at) <= now),
            await _drop(session, col(UserSession.id), col(UserSession.expires_at) <= now - keep_sessions),
            await _drop(session, col(AuditEntry.id), col(AuditEntry.at) <= now - keep_audit),
        ]
    )


async def _drop(session: AsyncSession, key: Any, old: ColumnElement[bool]) -> int:
    oldest = select(key).where(old).limit(BATCH).with_for_update(skip_locked=True)
    gone = await session.execute(delete(key.class_).where(key.in_(oldest)).returning(key))
    return len(gone.all())
