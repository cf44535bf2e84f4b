"""Another password: for who knows the present one, and for who has forgotten it and reads the account's mail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.errors import Forbidden, Unauthorized, Unavailable
from chassis.identity import CurrentUser
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from auth.api.parts import DeviceDep, Parts, PartsDep, Work, announcement, no_store, session_of
from auth.api.schemas import PUBLIC, KnownPassword, MailOut, NewPassword, OpaqueToken
from auth.audit import Action
from auth.email_addresses import EmailAddress, email_key
from auth.models import Account
from auth.passwords import require_strong
from auth.sessions import Device

router = APIRouter(prefix="/auth/password", tags=["auth"], dependencies=[Depends(no_store)])
# Longer than a transaction takes: that one was made, the time of the answer does not tell.
ANSWERED_AFTER = 0.25


class WrongPassword(Forbidden):
    type, title = "wrong-password", "The present password is wrong"


class ForgotPassword(BaseModel):
    """The account's address."""

    email: EmailAddress


class ResetPassword(BaseModel):
    """What follows `#token=` in the link of the mail, and the password from now on."""

    token: OpaqueToken
    password: NewPassword


class ChangePassword(BaseModel):
    """The present password, and the one from now on."""

    current: KnownPassword
    new: NewPassword


@router.post("/forgot", status_code=202, openapi_extra=PUBLIC)
async def forgot_password(body: ForgotPassword, parts: PartsDep, device: DeviceDep) -> MailOut:
    """Have a link sent that sets another password. The answer tells nobody whether there is such an account."""
    await parts.attempts.reset_mail(email_key(body.email), device.address)
    async with _no_sooner_than(ANSWERED_AFTER), parts.work() as work:
        known = await work.accounts.find(body.email)
        account = await work.accounts.locked(known.id) if known is not None else None
        if account is not None and account.suspended_at is None:
            await work.mail_links.send(account, "reset_password")
    return MailOut(
        detail="If there is an account with this address, a mail with a link is on its way. The link is good for an hour."
    )


@router.post("/reset", status_code=204, openapi_extra=PUBLIC)
async def reset_password(body: ResetPassword, parts: PartsDep, device: DeviceDep, response: Response) -> None:
    """Set another password with a mail's link. Every session of the account ends; the address counts as verified."""
    token, password = body.token.get_secret_value(), body.password.get_secret_value()
    await parts.attempts.open_link(device.address)
    async with parts.work() as work:
        owner = await work.mail_links.owner(token, "reset_password")
    await parts.attempts.opened_link(device.address)
    require_strong(password, email=owner.email)
    new_hash = await parts.passwords.hash(password)
    async with parts.work() as work:
        account = await work.mail_links.use(token, "reset_password")
        await work.mail_links.void(account, "verify_email")
        await work.accounts.change_password(account, new_hash)
        await work.accounts.verify_email(account)
        await work.revocations.revoke(await work.sessions.all_locked(account.id), "password_changed")
        work.audit.add(Action.PASSWORD_RESET, subject_id=account.id, address=device.address)
    await parts.attempts.forgive(account.email_key, device.address)
    response.headers.update(announcement(work.revocations))


@router.post("/change", status_code=204)
async def change_password(
    body: ChangePassword, user: CurrentUser, parts: PartsDep, device: DeviceDep, response: Response
) -> None:
    """Set another password. Every other session of the account ends."""
    new = body.new.get_secret_value()
    async with parts.work() as work:
        known = (await session_of(user, work)).account
    require_strong(new, email=known.email)
    await prove(body.current.get_secret_value(), known, parts, device)
    new_hash = await parts.passwords.hash(new)
    async with parts.work() as work:
        account = await still_the_same(known, work)
        sessions = {row.id: row for row in await work.sessions.all_locked(account.id)}
        if sessions.pop(user.session_id, None) is None:
            raise Unauthorized("This session has ended. Sign in again.")
        await work.mail_links.void(account, "reset_password")
        await work.accounts.change_password(account, new_hash)
        await work.revocations.revoke(sessions.values(), "password_changed")
        work.audit.add(Action.PASSWORD_CHANGED, subject_id=account.id, actor_id=account.id, address=device.address)
    response.headers.update(announcement(work.revocations))


async def prove(password: str, account: Account, parts: Parts, device: Device) -> None:
    """Guesses count like those at the sign-in: who found an open laptop does not get more of them."""

    async def familiar() -> bool:
        async with parts.work() as work:
            return await work.sessions.familiar(account.id, device.address)

    await parts.attempts.sign_in(account.email_key, device.address, familiar)
    if not await parts.passwords.matches(account.password_hash, password):
        raise WrongPassword("This is not your present password. If you have forgotten it, ask for a link by mail.")
    await parts.attempts.signed_in(account.email_key, device.address)


async def still_the_same(known: Account, work: Work) -> Account:
    """The account, locked, if nobody has changed its password meanwhile. Raises `Unavailable`."""
    account = await work.accounts.locked(known.id)
    if account is None or account.password_hash != known.password_hash:
        raise Unavailable("The account was changed at this very moment. Try again.", retry_after=1)
    return account


@asynccontextmanager
async def _no_sooner_than(seconds: float) -> AsyncIterator[None]:
    """The block takes that long at least."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    try:
        yield
    finally:
        await asyncio.sleep(max(0.0, end - clock()))
