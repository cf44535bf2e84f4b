"""Links in mails: whoever opens one has read mail at the address it was sent to.

A link is used once and not for long, and an account has one of each kind at most: a new one voids the one before. Only its hash is
kept, and in the event that asks for the mail it is sealed.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from chassis.errors import Problem
from chassis.sealing import KeyRing
from contracts.auth import EmailRequested
from mesh import Outbox
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from auth.accounts import Accounts, AccountSuspended
from auth.metrics import MAILS_REQUESTED
from auth.models import Account, MailLink

Kind = Literal["verify_email", "reset_password"]

LIFETIMES: dict[Kind, timedelta] = {"verify_email": timedelta(hours=24), "reset_password": timedelta(hours=1)}
# The pages below `/api/v1` that the links open; see `auth.api.pages`.
PATHS: dict[Kind, str] = {"verify_email": "/auth/verify-email", "reset_password": "/auth/password/reset"}
# Recognisable, so that logs can redact it and scanners of leaked secrets can find it.
PREFIX = "stml_"


class LinkVoid(Problem):
    type, status, title = "link-void", 410, "This link is void"

    def __init__(self) -> None:
        super().__init__(
            "This link was used already, has expired, or a newer one was sent. Use the newest mail, or ask for another."
        )


class MailLinks:
    """Links, in one transaction. They are made, used and voided under their account's row lock."""

    def __init__(
        self,
        session: AsyncSession,
        outbox: Outbox,
        *,
        accounts: Accounts,
        ring: KeyRing,
        public_url: str,
        now: datetime,
    ) -> None:
        self._session = session
        self._accounts = accounts
        self._outbox = outbox
        self._ring = ring
        self._public_url = public_url
        self._now = now

    async def send(self, account: Account, kind: Kind) -> None:
        """Have a mail with a new link sent to a locked account; an earlier one of this kind is void."""
        token = PREFIX + secrets.token_urlsafe(32)
        expires_at = self._now + LIFETIMES[kind]
        link = {"digest": _digest_of(token), "email_key": account.email_key, "expires_at": expires_at}
        row = insert(MailLink).values(user_id=account.id, kind=kind, **link)
        await self._session.execute(row.on_conflict_do_update(index_elements=["user_id", "kind"], set_=link))
        await self._outbox.add(
            EmailRequested(
                version=1,
                request_id=uuid4(),
                user_id=account.id,
                kind=kind,
                email=account.email,
                name=account.name,
                sealed_link=self._ring.seal(self._written(token, kind)),
                expires_at=expires_at,
            )
        )
        MAILS_REQUESTED.labels(kind).inc()

    async def owner(self, token: str, kind: Kind) -> Account:
        """Whose link it is; raises `LinkVoid`, `AccountSuspended`."""
        query = (
            select(Account)
            .join(MailLink, col(MailLink.user_id) == Account.id)
            .where(
                MailLink.digest == _digest_of(token),
                MailLink.kind == kind,
                # A link proves that mail was read at the address it went to, and nothing about another.
                MailLink.email_key == Account.email_key,
                col(MailLink.expires_at) > self._now,
            )
        )
        if (account := (await self._session.exec(query)).one_or_none()) is None:
            raise LinkVoid
        if account.suspended_at is not None:
            raise AccountSuspended
        return account

    async def use(self, token: str, kind: Kind) -> Account:
        """The owner, locked; the link is used up. Raises `LinkVoid`, also for the slower of two, and `AccountSuspended`."""
        owner = await self.owner(token, kind)
        await self._accounts.locked(owner.id)
        account = await self.owner(token, kind)  # again, now that nobody else can use it
        await self.void(account, kind)
        return account

    async def void(self, account: Account, kind: Kind) -> None:
        """Make the link of that kind worthless that a locked account may have."""
        link = delete(MailLink).where(col(MailLink.user_id) == account.id, col(MailLink.kind) == kind)
        await self._session.execute(link)

    def _written(self, token: str, kind: Kind) -> str:
        # What follows # never leaves the browser: no proxy, log or scanner of mail on the way is told the token.
        return f"{self._public_url}/api/v1{PATHS[kind]}#token={token}"


def _digest_of(token: str) -> bytes:
    # A fast hash will do: 256 bits cannot be tried out.
    return hashlib.sha256(token.encode()).digest()
