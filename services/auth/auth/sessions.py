"""Sessions: a device signs in, renews its tokens, and is signed out.

A refresh token is used once. A token that is used again was stolen, from the one who uses it now or by the one who used it
before, and nobody can tell which: the whole family ends. One case is honest: two tabs at once, or an answer that got lost. So
within a short grace, and only until the successor was used, the same token gets the *same* successor again. The chain never
forks: a thief who is quick enough shares one token with the owner, and the next time both use it, it is reuse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from chassis.sealing import KeyRing
from sqlalchemy import tuple_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from auth.models import Account, RefreshToken, UserSession
from auth.refresh_tokens import digest_of, new_token


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long an access token lives, a refresh token and so an unused session, a session in any case, and the grace."""

    access: timedelta
    refresh: timedelta
    session: timedelta
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Device:
    """What is known of the device that signs in: for its owner to recognise it, never to decide anything."""

    address: str
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A session's owner, and the refresh token that continues it."""

    account: Account
    session: UserSession
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A refresh token that continues nothing. `reused` is the session whose token was stolen, for the caller to revoke."""

    outcome: Literal["unknown", "ended", "reused"]
    reused: UserSession | None = None


class Sessions:
    """Sessions and their tokens, in one transaction."""

    def __init__(self, session: AsyncSession, lifetimes: Lifetimes, ring: KeyRing, now: datetime) -> None:
        self._session = session
        self._lifetimes = lifetimes
        self._ring = ring
        self._now = now

    async def start(self, account: Account, device: Device) -> Grant:
        """A new session of the account, whose row the caller has locked: nobody suspends it meanwhile."""
        user_session = UserSession(
            user_id=account.id,
            address=device.address,
            user_agent=device.user_agent[:300] if device.user_agent else None,
            created_at=self._now,
            last_used_at=self._now,
            expires_at=self._now + min(self._lifetimes.refresh, self._lifetimes.session),
            tokens_expire_at=self._now + self._lifetimes.access,
        )
        self._session.add(user_session)
        await self._session.flush()
        return Grant(account, user_session, self._issue(user_session))

    async def rotate(self, token: str) -> Grant | Refused:
        """Continue a session with a token that is used up by it."""
        known = await self._session.get(RefreshToken, digest_of(token))
        if known is None:
            return Refused("unknown")
        user_session = await self.locked(known.session_id)
        # Again, now that nobody else can change it.
        known = await self._session.get(RefreshToken, known.digest, populate_existing=True)
        if user_session is None or known is None or known.expires_at <= self._now:
            return Refused("ended")
        account = await self._session.get(Account, user_session.user_id)
        if account is None or account.suspended_at is not None:
            return Refused("ended")
        if known.used_at is None:
            successor = await self._replace(known, user_session)
        elif known.successor_sealed is not None and self._now - known.used_at <= self._lifetimes.grace:
            successor = self._ring.open(known.successor_sealed)
        else:
            return Refused("reused", user_session)
        user_session.last_used_at = self._now
        user_session.tokens_expire_at = max(user_session.tokens_expire_at, self._now + self._lifetimes.access)
        return Grant(account, user_session, successor)

    async def locked(self, session_id: UUID, user_id: UUID | None = None) -> UserSession | None:
        """The live session with that id (of that user), its row locked."""
        query = _live(self._now).where(UserSession.id == session_id).with_for_update()
        if user_id is not None:
            query = query.where(UserSession.user_id == user_id)
        return (await self._session.exec(query.execution_options(populate_existing=True))).one_or_none()

    async def all_locked(self, user_id: UUID) -> Sequence[UserSession]:
        """Every live session of a user, locked in one order."""
        query = _live(self._now).where(UserSession.user_id == user_id).order_by(col(UserSession.id)).with_for_update()
        return (await self._session.exec(query.execution_options(populate_existing=True))).all()

    async def page(self, user_id: UUID, limit: int, before: tuple[datetime, UUID] | None) -> Sequence[UserSession]:
        """Live sessions of a user, the newest first."""
        newest_first = (col(UserSession.created_at).desc(), col(UserSession.id).desc())
        query = _live(self._now).where(UserSession.user_id == user_id).order_by(*newest_first).limit(limit)
        if before is not None:
            query = query.where(tuple_(col(UserSession.created_at), col(UserSession.id)) < before)
        return (await self._session.exec(query)).all()

    async def familiar(self, user_id: UUID, address: str) -> bool:
        """Whether the user has signed in from that address, as far back as ended sessions are kept."""
        query = select(UserSession.id).where(UserSession.user_id == user_id, UserSession.address == address).limit(1)
        return (await self._session.exec(query)).first() is not None

    async def _replace(self, used: RefreshToken, user_session: UserSession) -> str:
        used.used_at = self._now
        # Only the last link can be repeated: that this one was used proves that the client has it.
        await self._session.execute(
            update(RefreshToken)
            .where(col(RefreshToken.session_id) == user_session.id, col(RefreshToken.successor_sealed).is_not(None))
            .values(successor_sealed=None)
        )
        successor = self._issue(user_session)
        if self._lifetimes.grace:
            used.successor_sealed = self._ring.seal(successor)
        end = user_session.created_at + self._lifetimes.session
        user_session.expires_at = min(self._now + self._lifetimes.refresh, end)
        return successor

    def _issue(self, user_session: UserSession) -> str:
        token = new_token()
        expires_at = min(self._now + self._lifetimes.refresh, user_session.created_at + self._lifetimes.session)
        self._session.add(
            RefreshToken(
                digest=digest_of(token), session_id=user_session.id, issued_at=self._now, expires_at=expires_at
            )
        )
        return token


def _live(now: datetime) -> SelectOfScalar[UserSession]:
    return select(UserSession).where(col(UserSession.revoked_at).is_(None), col(UserSession.expires_at) > now)
