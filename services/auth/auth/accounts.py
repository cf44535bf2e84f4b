"""Accounts: registered, found, changed. Whoever changes one holds its row lock, so that its version counts its facts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.errors import Conflict, Forbidden
from contracts.auth import Role, UserEmailVerified, UserProfileChanged, UserRegistered
from mesh import Outbox
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from auth.email_addresses import email_key
from auth.models import Account, UserSession

DAY_STARTS_AT = 4


class EmailTaken(Conflict):
    type, title = "email-taken", "This address has an account"

    def __init__(self) -> None:
        super().__init__("This address already has an account. Sign in, or use another address.")


class AccountSuspended(Forbidden):
    type, title = "account-suspended", "This account is suspended"

    def __init__(self) -> None:
        super().__init__("This account is suspended. Write to those who run this service.")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What somebody who signs up says, checked."""

    email: str
    name: str
    password_hash: str
    time_zone: str
    day_starts_at: int = DAY_STARTS_AT


class Accounts:
    """The accounts, in one transaction; what changes is told through the outbox."""

    def __init__(self, session: AsyncSession, outbox: Outbox, now: datetime) -> None:
        self._session = session
        self._outbox = outbox
        self._now = now

    async def register(self, new: NewAccount) -> Account:
        """A student's account, its row locked; raises `EmailTaken`."""
        account = Account(
            email=new.email,
            email_key=email_key(new.email),
            name=new.name,
            password_hash=new.password_hash,
            time_zone=new.time_zone,
            day_starts_at=new.day_starts_at,
            roles=["student"],
            created_at=self._now,
            updated_at=self._now,
        )
        # Two at once: the second waits here for the first, and then finds the address taken.
        row = insert(Account).values(account.model_dump()).on_conflict_do_nothing(index_elements=["email_key"])
        if (await self._session.execute(row.returning(col(Account.id)))).first() is None:
            raise EmailTaken
        registered = await self.locked(account.id)
        assert registered is not None
        await self._outbox.add(UserRegistered(**profile_of(registered)))
        return registered

    async def find(self, email: str) -> Account | None:
        """The account of an address, whatever its case."""
        return (await self._session.exec(select(Account).where(Account.email_key == email_key(email)))).one_or_none()

    async def active(self, account_id: UUID) -> bool:
        """Whether there is such an account and it is not suspended."""
        account = await self._session.get(Account, account_id)
        return account is not None and account.suspended_at is None

    async def signed_in(self, account_id: UUID, session_id: UUID) -> Account | None:
        """The account, if that session of it is live and it is not suspended."""
        query = (
            select(Account)
            .join(UserSession, col(UserSession.user_id) == Account.id)
            .where(
                Account.id == account_id,
                UserSession.id == session_id,
                col(UserSession.revoked_at).is_(None),
                col(UserSession.expires_at) > self._now,
                col(Account.suspended_at).is_(None),
            )
        )
        return (await self._session.exec(query)).one_or_none()

    async def locked(self, account_id: UUID) -> Account | None:
        """The account, with nobody else changing it until the transaction ends."""
        # NO KEY: rows that refer to the account, such as a session that is being refreshed, need not wait.
        query = select(Account).where(Account.id == account_id).with_for_update(key_share=True)
        return (await self._session.exec(query.execution_options(populate_existing=True))).one_or_none()

    async def change_profile(
        self, account: Account, *, name: str | None, time_zone: str | None, day_starts_at: int | None
    ) -> None:
        """Change what is given of a locked account; the world is told if anything is different."""
        wanted = {"name": name, "time_zone": time_zone, "day_starts_at": day_starts_at}
        changes = {key: value for key, value in wanted.items() if value is not None and getattr(account, key) != value}
        for key, value in changes.items():
            setattr(account, key, value)
        if changes:
            await self._tell_change(account)

    async def change_roles(self, account: Account, roles: set[Role]) -> None:
        """Give a locked account other roles. Sessions know the old ones: the caller ends them."""
        account.roles = sorted(roles)
        await self._tell_change(account)

    async def verify_email(self, account: Account) -> None:
        """The user of a locked account has shown to read its mail; the world is told the first time."""
        if account.email_verified_at is None:
            account.email_verified_at = self._now
            await self._next_version(account)
            await self._outbox.add(UserEmailVerified(**profile_of(account)))

    async def change_password(self, account: Account, password_hash: str) -> None:
        """Give a locked account another password. Who knows the old one may be signed in: the caller ends sessions."""
        account.password_hash = password_hash
        account.updated_at = self._now
        await self._session.flush()

    async def _tell_change(self, account: Account) -> None:
        await self._next_version(account)
        await self._outbox.add(UserProfileChanged(**profile_of(account)))

    async def _next_version(self, account: Account) -> None:
        account.version += 1
        account.updated_at = self._now
        await self._session.flush()


def profile_of(account: Account) -> dict[str, Any]:
    return {
        "version": account.version,
        "user_id": account.id,
        "email": account.email,
        "name": account.name,
        "time_zone": account.time_zone,
        "day_starts_at": account.day_starts_at,
        "roles": account.roles,
        "email_verified": account.email_verified,
    }
