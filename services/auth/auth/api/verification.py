"""Show that one reads mail at the account's address."""

from chassis.errors import Conflict, NotFound
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from auth.api.parts import DeviceDep, PartsDep, SignedInDep, WorkDep, no_store
from auth.api.schemas import PUBLIC, MailOut, OpaqueToken

router = APIRouter(tags=["auth"], dependencies=[Depends(no_store)])


class AlreadyVerified(Conflict):
    type, title = "email-already-verified", "This address is verified"


class VerifyEmail(BaseModel):
    """What follows `#token=` in the link of the mail."""

    token: OpaqueToken


@router.post("/auth/verify-email", status_code=204, openapi_extra=PUBLIC)
async def verify_email(body: VerifyEmail, parts: PartsDep, device: DeviceDep) -> None:
    """Verify the address that the link was sent to. Access tokens say so once they are refreshed."""
    await parts.attempts.open_link(device.address)
    async with parts.work() as work:
        account = await work.mail_links.use(body.token.get_secret_value(), "verify_email")
        await work.accounts.verify_email(account)
    await parts.attempts.opened_link(device.address)


@router.post("/auth/verify-email/resend", status_code=202)
async def resend_verification(signed_in: SignedInDep, work: WorkDep, parts: PartsDep, device: DeviceDep) -> MailOut:
    """Have another mail sent; links of earlier ones are void."""
    await parts.attempts.verification_mail(signed_in.account.email_key, device.address)
    account = await work.accounts.locked(signed_in.account.id)
    if account is None:
        raise NotFound("This account is gone.")
    if account.email_verified:
        raise AlreadyVerified("This address is verified already. Refresh your access token, and go on.")
    await work.mail_links.send(account, "verify_email")
    return MailOut(detail="A mail with a link is on its way. The link is good for 24 hours.")
