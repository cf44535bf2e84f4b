"""The student's notifications and preferences over HTTP."""

from typing import Annotated
from uuid import UUID

from chassis.database import SessionDep
from chassis.identity import CurrentUser
from chassis.paging import PageDep
from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncSession

from notifier.api.parts import ClockDep
from notifier.notifications import Notifications
from notifier.preferences import Preferences
from notifier.reminders import Reminders
from notifier.schemas import (
    NotificationOut,
    NotificationPage,
    PreferencesIn,
    PreferencesOut,
    ReadUpTo,
    UnreadOut,
    preferences_out,
)

router = APIRouter(prefix="/notifications", tags=["notifications"])
# A body of ours is a few words.
_LIMIT = {"x-body-limit": 16 * 1024}


@router.get("")
async def list_notifications(
    user: CurrentUser,
    session: SessionDep,
    page: PageDep,
    unread: Annotated[bool, Query(description="Only what was not read yet")] = False,
) -> NotificationPage:
    """What the student was told, the newest first."""
    notifications = Notifications(session, user.id)
    rows = await notifications.page(page, unread=unread)
    shown = page.cut(rows, NotificationOut.model_validate, lambda row: (row.number,))
    return NotificationPage(items=shown.items, next_cursor=shown.next_cursor, unread=await notifications.unread())


@router.post("/read", openapi_extra=_LIMIT)
async def read_all_notifications(
    user: CurrentUser, session: SessionDep, clock: ClockDep, body: ReadUpTo | None = None
) -> UnreadOut:
    """All of them were seen, or all up to a number: what came meanwhile stays unread."""
    notifications = Notifications(session, user.id)
    await notifications.read_all((body or ReadUpTo()).up_to, clock())
    return UnreadOut(unread=await notifications.unread())


@router.get("/preferences")
async def get_notification_preferences(user: CurrentUser, session: SessionDep) -> PreferencesOut:
    """What the student wants to be told, how, and when the next reminder comes."""
    return await _preferences(session, user.id)


@router.put("/preferences", openapi_extra=_LIMIT)
async def set_notification_preferences(
    body: PreferencesIn, user: CurrentUser, session: SessionDep, clock: ClockDep
) -> PreferencesOut:
    """Choose what to be told, how, and when to be reminded."""
    await Preferences(session, user.id).choose(body.choices())
    if body.is_about_reminders:
        await Reminders(session, user.id).choose(body.changed, clock())
    return await _preferences(session, user.id)


async def _preferences(session: AsyncSession, owner: UUID) -> PreferencesOut:
    reminders = Reminders(session, owner)
    return preferences_out(await Preferences(session, owner).all(), await reminders.hours(), await reminders.next_at())


@router.post("/{notification_id}/read")
async def read_notification(
    notification_id: UUID, user: CurrentUser, session: SessionDep, clock: ClockDep
) -> NotificationOut:
    """It was seen."""
    return NotificationOut.model_validate(await Notifications(session, user.id).read(notification_id, clock()))


@router.delete("/{notification_id}", status_code=204)
async def delete_notification(notification_id: UUID, user: CurrentUser, session: SessionDep) -> None:
    """Remove it from the list."""
    await Notifications(session, user.id).delete(notification_id)
