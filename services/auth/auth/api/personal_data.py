"""Leaving, and taking everything along."""

import gzip
import json
from datetime import datetime
from uuid import UUID

from chassis.errors import Unauthorized
from chassis.identity import CurrentUser
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from auth.api.parts import DeviceDep, PartsDep, SignedInDep, WorkDep, announcement, session_of
from auth.api.password import prove, still_the_same
from auth.api.schemas import KnownPassword
from auth.audit import Action
from auth.models import DataExport
from auth.personal_data import PersonalData

router = APIRouter(tags=["users"])


class DeleteAccount(BaseModel):
    """The present password: a found laptop deletes nothing."""

    password: KnownPassword


class ExportPart(BaseModel):
    """What one service keeps; `path` gives it as JSON lines, compressed by gzip, once it is ready."""

    service: str
    ready: bool
    path: str


class ExportOut(BaseModel):
    """A copy of everything. It is kept for a week; the files of documents are at `GET /documents/{id}/file`."""

    id: UUID
    requested_at: datetime
    ready: bool = Field(description="Whether all parts are")
    parts: list[ExportPart]


@router.delete("/users/me", status_code=204)
async def delete_me(
    body: DeleteAccount, user: CurrentUser, parts: PartsDep, device: DeviceDep, response: Response
) -> None:
    """Delete the account with everything that anybody here keeps of the user. There is no way back."""
    async with parts.work() as work:
        known = (await session_of(user, work)).account
    await prove(body.password.get_secret_value(), known, parts, device)
    async with parts.work() as work:
        account = await still_the_same(known, work)
        sessions = await work.sessions.all_locked(account.id)
        if user.session_id not in {row.id for row in sessions}:
            raise Unauthorized("This session has ended. Sign in again.")
        await work.revocations.revoke(sessions, "logout")
        await PersonalData(work.session, work.now).delete(account)
        work.audit.add(Action.ACCOUNT_DELETED, subject_id=account.id, actor_id=account.id)
    response.headers.update(announcement(work.revocations))


@router.post("/users/me/export", status_code=202)
async def export_me(signed_in: SignedInDep, work: WorkDep) -> ExportOut:
    """Ask for a copy of everything that is kept of the user. Parts become ready one by one, within moments."""
    return _shown(await PersonalData(work.session, work.now).export(signed_in.account.id))


@router.get("/users/me/exports")
async def list_my_exports(signed_in: SignedInDep, work: WorkDep) -> list[ExportOut]:
    """Copies that the user asked for within the last week, the newest first."""
    return [_shown(export) for export in await PersonalData(work.session, work.now).exports(signed_in.account.id)]


@router.get("/users/me/exports/{export_id}")
async def get_my_export(export_id: UUID, signed_in: SignedInDep, work: WorkDep) -> ExportOut:
    """Which parts of a copy are ready."""
    return _shown(await PersonalData(work.session, work.now).of_export(export_id, signed_in.account.id))


@router.get("/users/me/exports/{export_id}/auth", response_class=Response)
async def get_export_of_auth(export_id: UUID, signed_in: SignedInDep, work: WorkDep) -> Response:
    """A part of an export: JSON lines, compressed by gzip."""
    data = PersonalData(work.session, work.now)
    await data.of_export(export_id, signed_in.account.id)
    lines = "".join(
        json.dumps(record, ensure_ascii=False) + "\n" for record in await data.records(signed_in.account.id)
    )
    named = {"Content-Disposition": 'attachment; filename="studyteddy-auth.jsonl.gz"', "Cache-Control": "no-store"}
    return Response(gzip.compress(lines.encode()), media_type="application/gzip", headers=named)


def _shown(export: DataExport) -> ExportOut:
    services = sorted({*export.ready, *export.waiting_for})
    parts = [
        ExportPart(service=name, ready=name in export.ready, path=f"/api/v1/users/me/exports/{export.id}/{name}")
        for name in services
    ]
    return ExportOut(id=export.id, requested_at=export.requested_at, ready=not export.waiting_for, parts=parts)
