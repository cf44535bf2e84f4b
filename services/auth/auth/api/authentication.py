"""Sign up, sign in, stay signed in, sign out."""

from typing import Literal

from chassis.errors import Unauthorized, Unavailable
from chassis.tokens import SigningKey
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from auth import access_tokens
from auth.accounts import DAY_STARTS_AT, AccountSuspended, EmailTaken, NewAccount
from auth.api.parts import DeviceDep, Parts, PartsDep, SignedInDep, WorkDep, announcement, no_store
from auth.api.schemas import PUBLIC, KnownPassword, NewPassword, OpaqueToken, UserOut
from auth.audit import Action
from auth.email_addresses import EmailAddress, email_key
from auth.metrics import REFRESHES, SIGN_INS, SIGN_UPS
from auth.models import Account
from auth.passwords import require_strong
from auth.profiles import Name, StartOfDay, TimeZone
from auth.sessions import Device, Grant, Refused

router = APIRouter(tags=["auth"], dependencies=[Depends(no_store)])


class WrongCredentials(Unauthorized):
    type, title = "wrong-credentials", "Not signed in"


class RefreshRefused(Unauthorized):
    type, title = "refresh-refused", "The session has ended"


class SignUp(BaseModel):
    """A new account."""

    email: EmailAddress
    password: NewPassword
    name: Name
    time_zone: TimeZone = "UTC"
    day_starts_at: StartOfDay = DAY_STARTS_AT


class LogIn(BaseModel):
    """Address and password."""

    email: EmailAddress
    password: KnownPassword


class Refresh(BaseModel):
    """The newest refresh token of a session."""

    refresh_token: OpaqueToken


class SignedInOut(BaseModel):
    """A session: use the access token until it expires, then the refresh token, once, for new ones of both."""

    user: UserOut
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the kind of token
    expires_in: int = Field(description="Seconds until the access token expires")


@router.post("/auth/signup", status_code=201, openapi_extra=PUBLIC)
async def sign_up(body: SignUp, parts: PartsDep, device: DeviceDep) -> SignedInOut:
    """Make an account and sign in; a mail with a link that verifies the address is sent. A taken address is a 409."""
    password = body.password.get_secret_value()
    require_strong(password, email=body.email)
    await parts.attempts.sign_up(device.address)
    try:
        async with parts.work() as work:
            if await work.accounts.find(body.email) is not None:
                raise EmailTaken
        new = NewAccount(
            email=body.email,
            name=body.name,
            password_hash=await parts.passwords.hash(password),
            time_zone=body.time_zone,
            day_starts_at=body.day_starts_at,
        )
        key = await parts.keys.signer()
        async with parts.work() as work:
            account = await work.accounts.register(new)
            await work.grant_first(account, parts)
            await work.mail_links.send(account, "verify_email")
            grant = await work.sessions.start(account, device)
    except EmailTaken:
        SIGN_UPS.labels("taken").inc()
        raise
    await parts.attempts.signed_up(device.address)
    SIGN_UPS.labels("made").inc()
    return _answer(grant, key, parts)


@router.post("/auth/login", openapi_extra=PUBLIC)
async def log_in(body: LogIn, parts: PartsDep, device: DeviceDep) -> SignedInOut:
    """Sign in. Whether it is the address or the password that is wrong, nobody learns."""
    known, fresh_hash = await _proven(body, parts, device)
    key = await parts.keys.signer()
    async with parts.work() as work:
        account = await work.accounts.locked(known.id)
        if account is None or account.password_hash != known.password_hash:
            raise Unavailable("The account was changed at this very moment. Sign in again.", retry_after=1)
        if account.suspended_at is not None:
            SIGN_INS.labels("suspended").inc()
            raise AccountSuspended
        account.password_hash = fresh_hash or account.password_hash
        await work.grant_first(account, parts)
        grant = await work.sessions.start(account, device)
    SIGN_INS.labels("signed_in").inc()
    return _answer(grant, key, parts)


async def _proven(body: LogIn, parts: Parts, device: Device) -> tuple[Account, str | None]:
    """The account whose password it is, and a new hash where the kept one is of other costs than today's."""
    address, password = device.address, body.password.get_secret_value()

    async def familiar() -> bool:
        async with parts.work() as work:
            owner = await work.accounts.find(body.email)
            return owner is not None and await work.sessions.familiar(owner.id, address)

    await parts.attempts.sign_in(email_key(body.email), address, familiar)
    async with parts.work() as work:
        known = await work.accounts.find(body.email)
    if not await parts.passwords.matches(known.password_hash if known else None, password) or known is None:
        SIGN_INS.labels("wrong").inc()
        raise WrongCredentials("The address or the password is wrong.")
    await parts.attempts.signed_in(email_key(body.email), address)
    outdated = parts.passwords.outdated(known.password_hash)
    return known, await parts.passwords.hash(password) if outdated else None


@router.post("/auth/refresh", openapi_extra=PUBLIC)
async def refresh(body: Refresh, parts: PartsDep) -> SignedInOut:
    """Continue a session. A refresh token is used once; using an old one again ends the session."""
    key = await parts.keys.signer()
    async with parts.work() as work:
        outcome = await work.sessions.rotate(body.refresh_token.get_secret_value())
        if isinstance(outcome, Refused) and (stolen := outcome.reused) is not None:
            work.audit.add(Action.TOKEN_REUSED, subject_id=stolen.user_id, session_id=str(stolen.id))
            await work.revocations.revoke([stolen], "token_reuse")
    # Raised after the commit: a refusal must not undo the revocation.
    if isinstance(outcome, Refused):
        REFRESHES.labels(outcome.outcome).inc()
        refusal = RefreshRefused("This session has ended. Sign in again.")
        refusal.headers.update(announcement(work.revocations))
        raise refusal
    REFRESHES.labels("renewed").inc()
    return _answer(outcome, key, parts)


@router.post("/auth/logout", status_code=204)
async def log_out(signed_in: SignedInDep, work: WorkDep, response: Response) -> None:
    """End the session of the access token: neither it nor the refresh token works any more."""
    user_session = await work.sessions.locked(signed_in.session_id)
    if user_session is not None:
        await work.revocations.revoke([user_session], "logout")
        response.headers.update(announcement(work.revocations))


def _answer(grant: Grant, key: SigningKey, parts: Parts) -> SignedInOut:
    now = parts.clock()
    access = access_tokens.user_token(
        key,
        user_id=grant.account.id,
        session_id=grant.session.id,
        roles=grant.account.roles,
        email_verified=grant.account.email_verified,
        now=now,
        expires_at=grant.session.last_used_at + parts.lifetimes.access,
    )
    return SignedInOut(
        user=UserOut.of(grant.account),
        access_token=access,
        refresh_token=grant.refresh_token,
        expires_in=int(parts.lifetimes.access.total_seconds()),
    )
