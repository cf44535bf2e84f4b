"""What admins see and do."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.paging import Page, PageDep, moment
from contracts.auth import Role
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from auth.administration import found
from auth.api.parts import AdminDep, DeviceDep, WorkDep, announcement
from auth.api.schemas import UserOut
from auth.audit import Action, entries

router = APIRouter(prefix="/admin", tags=["admin"])


class AdminUserOut(UserOut):
    """A user, as admins see them."""

    suspended_at: datetime | None
    updated_at: datetime


class UserChange(BaseModel):
    """What to change; what is left out stays. Either ends the user's sessions."""

    model_config = ConfigDict(extra="forbid")

    roles: Annotated[set[Role], Field(min_length=1)] | None = None
    suspended: bool | None = None
    reason: str | None = Field(None, max_length=500, description="For the audit log")


class AuditOut(BaseModel):
    """An entry of the audit log."""

    id: int
    at: datetime
    action: Action
    actor_id: UUID | None
    subject_id: UUID | None
    address: str | None
    detail: dict[str, Any]


@router.get("/users")
async def list_users(
    _: AdminDep,
    work: WorkDep,
    page: PageDep,
    search: Annotated[str | None, Query(max_length=200, description="A part of the address or the name")] = None,
    role: Role | None = None,
    suspended: bool | None = None,
) -> Page[AdminUserOut]:
    """All users, the newest first."""
    before = page.after(moment, UUID)
    rows = await found(work.session, limit=page.limit + 1, before=before, search=search, role=role, suspended=suspended)
    return page.cut(rows, show=AdminUserOut.of, key=lambda row: (row.created_at.isoformat(), str(row.id)))


@router.patch("/users/{user_id}")
async def change_user(
    user_id: UUID, body: UserChange, *, admin: AdminDep, work: WorkDep, device: DeviceDep, response: Response
) -> AdminUserOut:
    """Give other roles, suspend or reinstate. It is written to the audit log."""
    account = await work.administration.change(
        user_id,
        actor_id=admin.id,
        address=device.address,
        roles=body.roles,
        suspended=body.suspended,
        reason=body.reason,
    )
    response.headers.update(announcement(work.revocations))
    return AdminUserOut.of(account)


@router.get("/audit")
async def list_audit(
    _: AdminDep,
    work: WorkDep,
    page: PageDep,
    user_id: Annotated[UUID | None, Query(description="To whom it was done")] = None,
    actor_id: Annotated[UUID | None, Query(description="Who did it")] = None,
    action: Action | None = None,
) -> Page[AuditOut]:
    """The audit log, the newest first."""
    rows = await entries(
        work.session,
        limit=page.limit + 1,
        before=page.before_id(),
        subject_id=user_id,
        actor_id=actor_id,
        action=action,
    )
    return page.cut(
        rows, show=lambda row: AuditOut.model_validate(row, from_attributes=True), key=lambda row: (row.id or 0,)
    )
