"""What an admin may do to accounts, and the promise that there is always one who may."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from chassis.errors import Conflict, Forbidden, NotFound
from contracts.auth import Role
from sqlalchemy import func, or_, text, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from auth.accounts import Accounts
from auth.audit import Action, AuditLog
from auth.email_addresses import email_key
from auth.models import Account
from auth.revocations import Revocations
from auth.sessions import Sessions

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('auth.admins'))")


class LastAdmin(Conflict):
    type, title = "last-admin", "There must be an admin"


class Administration:
    """Changes by admins, in one transaction. They wait for each other: two admins cannot each remove the other."""

    def __init__(
        self,
        session: AsyncSession,
        *,
        accounts: Accounts,
        sessions: Sessions,
        revocations: Revocations,
        audit: AuditLog,
        now: datetime,
    ) -> None:
        self._session = session
        self._accounts = accounts
        self._sessions = sessions
        self._revocations = revocations
        self._audit = audit
        self._now = now

    async def change(
        self,
        user_id: UUID,
        *,
        actor_id: UUID,
        address: str | None,
        roles: set[Role] | None,
        suspended: bool | None,
        reason: str | None,
    ) -> Account:
        """Give other roles, suspend, reinstate. Raises `Forbidden`, `NotFound`, `LastAdmin`."""
        await self._session.execute(_LOCK)
        await self._require_admin(actor_id)
        account = await self._accounts.locked(user_id)
        if account is None:
            raise NotFound("There is no user with this id.")
        record = partial(self._audit.add, subject_id=user_id, actor_id=actor_id, address=address, reason=reason)
        if roles is not None and roles != set(account.roles):
            record(Action.ROLES_CHANGED, before=account.roles, after=sorted(roles))
            await self._accounts.change_roles(account, roles)
            await self._revocations.revoke(await self._sessions.all_locked(user_id), "roles_changed")
        if suspended is not None and suspended != (account.suspended_at is not None):
            record(Action.SUSPENDED if suspended else Action.REINSTATED)
            account.suspended_at = self._now if suspended else None
            account.updated_at = self._now
        if account.suspended_at is not None:
            await self._revocations.revoke(await self._sessions.all_locked(user_id), "account_suspended")
        await self._session.flush()
        if not await self._admins_remain():
            raise LastAdmin("This would leave nobody with the role admin. Give it to somebody else first.")
        return account

    async def grant_first(self, account: Account, first_admin_email: str | None) -> None:
        """Make a locked account admin if it is the one that the operator named and there is none yet."""
        if first_admin_email is None or account.email_key != email_key(first_admin_email) or "admin" in account.roles:
            return
        if await self._admins_remain():
            return
        self._audit.add(Action.FIRST_ADMIN, subject_id=account.id)
        await self._accounts.change_roles(account, {*account.roles, "admin"})

    async def _require_admin(self, actor_id: UUID) -> None:
        # Asked again under the lock: another admin may have taken the role meanwhile.
        query = _admins().where(Account.id == actor_id)
        if (await self._session.exec(query)).first() is None:
            raise Forbidden("This needs the role admin.")

    async def _admins_remain(self) -> bool:
        return (await self._session.exec(_admins().limit(1))).first() is not None


async def found(
    session: AsyncSession,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None,
    search: str | None,
    role: Role | None,
    suspended: bool | None,
) -> Sequence[Account]:
    """Accounts, the newest first; `search` is a part of the address or the name."""
    newest_first = (col(Account.created_at).desc(), col(Account.id).desc())
    query = select(Account).order_by(*newest_first).limit(limit)
    if before is not None:
        query = query.where(tuple_(col(Account.created_at), col(Account.id)) < before)
    if search:
        part = search.casefold()
        query = query.where(
            or_(
                col(Account.email_key).contains(part, autoescape=True),
                func.lower(Account.name).contains(part, autoescape=True),
            )
        )
    if role is not None:
        query = query.where(col(Account.roles).contains([role]))
    if suspended is not None:
        query = query.where(
            col(Account.suspended_at).is_not(None) if suspended else col(Account.suspended_at).is_(None)
        )
    return (await session.exec(query)).all()


def _admins() -> SelectOfScalar[UUID]:
    return select(Account.id).where(col(Account.roles).contains(["admin"]), col(Account.suspended_at).is_(None))
