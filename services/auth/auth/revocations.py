"""Sessions that ended before their access tokens did: kept until those have expired, and told to every gateway."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.auth import SessionRevoked
from mesh import Outbox
from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from auth.metrics import REVOKED
from auth.models import RefreshToken, Revocation, UserSession

Reason = Literal["logout", "token_reuse", "password_changed", "account_suspended", "roles_changed"]


class Revocations:
    """Ends sessions, in the transaction of what ended them. The caller holds the sessions' row locks."""

    def __init__(self, session: AsyncSession, outbox: Outbox, now: datetime) -> None:
        self._session = session
        self._outbox = outbox
        self._now = now
        self.revoked: list[UserSession] = []

    async def revoke(self, user_sessions: Iterable[UserSession], reason: Reason) -> None:
        """Void the sessions' tokens, of both kinds."""
        events = []
        for user_session in user_sessions:
            user_session.revoked_at = self._now
            user_session.revoked_reason = reason
            user_session.version += 1
            self._session.add_all([user_session, self._row(user_session, reason)])
            events.append(
                SessionRevoked(
                    version=user_session.version,
                    session_id=user_session.id,
                    user_id=user_session.user_id,
                    reason=reason,
                    tokens_expire_at=user_session.tokens_expire_at,
                )
            )
            self.revoked.append(user_session)
            REVOKED.labels(reason).inc()
        await self._session.flush()
        ended = [event.session_id for event in events]
        await self._session.execute(delete(RefreshToken).where(col(RefreshToken.session_id).in_(ended)))
        await self._outbox.add(*events)

    def _row(self, user_session: UserSession, reason: Reason) -> Revocation:
        return Revocation(
            session_id=user_session.id,
            user_id=user_session.user_id,
            reason=reason,
            revoked_at=self._now,
            tokens_expire_at=user_session.tokens_expire_at,
        )


async def unexpired(session: AsyncSession, now: datetime) -> Sequence[tuple[UUID, datetime]]:
    """Session and moment of the last token's expiry, for all that still matter."""
    query = select(Revocation.session_id, Revocation.tokens_expire_at).where(col(Revocation.tokens_expire_at) > now)
    return (await session.exec(query)).all()
