"""What endpoints are given: the service's parts, one transaction's domain objects, and who is calling from where."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database, SessionDep
from chassis.errors import Forbidden, Unauthorized
from chassis.identity import CurrentUser, User
from chassis.sealing import KeyRing
from fastapi import Depends, Header, Request, Response
from mesh import Outbox
from sqlmodel.ext.asyncio.session import AsyncSession

from auth.accounts import Accounts
from auth.administration import Administration
from auth.attempts import Attempts
from auth.audit import AuditLog
from auth.keys_in_use import KeysInUse
from auth.mail_links import MailLinks
from auth.models import SCHEMA, Account
from auth.passwords import Passwords
from auth.revocations import Revocations
from auth.service_secrets import ServiceSecrets
from auth.sessions import Device, Lifetimes, Sessions


@dataclass(frozen=True)
class Parts:
    """What lives as long as the process; the composition root makes it."""

    database: Database
    ring: KeyRing
    keys: KeysInUse
    passwords: Passwords
    attempts: Attempts
    service_secrets: ServiceSecrets
    lifetimes: Lifetimes
    first_admin_email: str | None
    public_url: str
    verified_email_required: bool
    clock: Clock

    @asynccontextmanager
    async def work(self) -> AsyncIterator["Work"]:
        """A transaction, for endpoints that wait between two of them."""
        async with self.database.transaction() as session:
            yield Work.of(session, self)


@dataclass(frozen=True)
class Work:
    """The domain, in one transaction."""

    session: AsyncSession
    now: datetime
    accounts: Accounts
    sessions: Sessions
    revocations: Revocations
    audit: AuditLog
    administration: Administration
    mail_links: MailLinks

    @classmethod
    def of(cls, session: AsyncSession, parts: Parts) -> "Work":
        """The domain on that session."""
        now = parts.clock()
        outbox = Outbox(session, source=SCHEMA)
        accounts = Accounts(session, outbox, now)
        sessions = Sessions(session, parts.lifetimes, parts.ring, now)
        revocations = Revocations(session, outbox, now)
        audit = AuditLog(session, now)
        administration = Administration(
            session, accounts=accounts, sessions=sessions, revocations=revocations, audit=audit, now=now
        )
        mail_links = MailLinks(
            session, outbox, accounts=accounts, ring=parts.ring, public_url=parts.public_url, now=now
        )
        return cls(session, now, accounts, sessions, revocations, audit, administration, mail_links)

    async def grant_first(self, account: Account, parts: Parts) -> None:
        """Make a locked account admin if it is the one that the operator named, and its address is proven where it must be."""
        if account.email_verified or not parts.verified_email_required:
            await self.administration.grant_first(account, parts.first_admin_email)


async def _parts(request: Request) -> Parts:
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts


PartsDep = Annotated[Parts, Depends(_parts)]


async def _work(session: SessionDep, parts: PartsDep) -> Work:
    return Work.of(session, parts)


WorkDep = Annotated[Work, Depends(_work)]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is calling, as the rows say at this moment: a token may be older than a suspension."""

    account: Account
    session_id: UUID


async def session_of(user: User, work: Work) -> SignedIn:
    """Raises `Unauthorized` for a session that has ended."""
    account = await work.accounts.signed_in(user.id, user.session_id)
    if account is None:
        raise Unauthorized("This session has ended. Sign in again.")
    return SignedIn(account, user.session_id)


async def _signed_in(user: CurrentUser, work: WorkDep) -> SignedIn:
    return await session_of(user, work)


SignedInDep = Annotated[SignedIn, Depends(_signed_in)]


async def _admin(signed_in: SignedInDep) -> Account:
    if "admin" not in signed_in.account.roles:
        raise Forbidden("This needs the role admin.")
    return signed_in.account


AdminDep = Annotated[Account, Depends(_admin)]


async def _device(
    request: Request,
    x_forwarded_for: Annotated[str | None, Header(include_in_schema=False)] = None,
    user_agent: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Device:
    # Only the gateway reaches this service. It writes the chain anew: the first entry is the client, as far as proxies of
    # ours vouch for it, and never what a client says of itself.
    client = (x_forwarded_for or "").partition(",")[0].strip()
    peer = request.client.host if request.client else ""
    return Device(address=(client or peer)[:64], user_agent=user_agent)


DeviceDep = Annotated[Device, Depends(_device)]


def announcement(revocations: Revocations) -> dict[str, str]:
    """Tells the gateway that passes an answer on which sessions are over: it need not wait for the broker."""
    revoked = [f"{row.id};{math.ceil(row.tokens_expire_at.timestamp())}" for row in revocations.revoked]
    return {"X-Studyteddy-Revoked": ", ".join(revoked)} if revoked else {}


async def no_store(response: Response) -> None:
    """Keep tokens out of every cache on the way (RFC 6749, 5.1)."""
    response.headers["Cache-Control"] = "no-store"
