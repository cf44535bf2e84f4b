"""The signed-in user: profile and sessions."""

from datetime import datetime
from uuid import UUID

from chassis.errors import NotFound
from chassis.paging import Page, PageDep, moment
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from auth.api.parts import SignedInDep, WorkDep, announcement
from auth.api.schemas import UserOut
from auth.profiles import Name, StartOfDay, TimeZone

router = APIRouter(tags=["users"])


class ProfileChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    time_zone: TimeZone | None = None
    day_starts_at: StartOfDay | None = None


class SignInSessionOut(BaseModel):
    """A device that is signed in."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None
    current: bool


@router.get("/users/me")
async def read_me(signed_in: SignedInDep) -> UserOut:
    """The signed-in user."""
    return UserOut.of(signed_in.account)


@router.patch("/users/me")
async def change_me(body: ProfileChange, signed_in: SignedInDep, work: WorkDep) -> UserOut:
    """Change name, time zone, or the hour at which the day starts."""
    account = await work.accounts.locked(signed_in.account.id)
    if account is None:
        raise NotFound("This account is gone.")
    await work.accounts.change_profile(
        account, name=body.name, time_zone=body.time_zone, day_starts_at=body.day_starts_at
    )
    return UserOut.of(account)


@router.get("/users/me/sessions")
async def list_my_sessions(signed_in: SignedInDep, work: WorkDep, page: PageDep) -> Page[SignInSessionOut]:
    """Where the user is signed in, the newest first."""
    before = page.after(moment, UUID)
    rows = await work.sessions.page(signed_in.account.id, page.limit + 1, before)
    return page.cut(
        rows,
        show=lambda row: SignInSessionOut.model_validate(
            row.model_dump() | {"current": row.id == signed_in.session_id}
        ),
        key=lambda row: (row.created_at.isoformat(), str(row.id)),
    )


@router.delete("/users/me/sessions/{session_id}", status_code=204)
async def end_my_session(session_id: UUID, signed_in: SignedInDep, work: WorkDep, response: Response) -> None:
    """Sign a device out."""
    user_session = await work.sessions.locked(session_id, signed_in.account.id)
    if user_session is None:
        raise NotFound("You have no session with this id.")
    await work.revocations.revoke([user_session], "logout")
    response.headers.update(announcement(work.revocations))
