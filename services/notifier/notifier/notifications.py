"""Notifications: a student's list, and the desk where news becomes entries of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from chassis.errors import NotFound
from chassis.paging import INTEGER, PageRequest
from chassis.personal_data import is_erased
from contracts.notifier import NotificationDelivered, NotificationWithdrawn
from mesh import Outbox
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, func, select, update

from notifier.kinds import Channel
from notifier.models import SCHEMA, Feed, Notification, Told
from notifier.news import News
from notifier.preferences import wants


def notification_id(subject_id: UUID, kind: str, version: int) -> UUID:
    """The id of what is told of a version of a thing, the same by every channel; a mail's Message-ID is made of it."""
    return uuid5(subject_id, f"{kind}.{version}")


class NoSuchNotification(NotFound):
    type, title = "notification-not-found", "No such notification"


class Notifications:
    """One student's notifications. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def page(self, page: PageRequest, *, unread: bool) -> Sequence[Notification]:
        """The newest first, one more than the page holds; `unread` leaves out what was read."""
        statement = select(Notification).where(Notification.user_id == self._owner)
        if unread:
            statement = statement.where(col(Notification.read_at).is_(None))
        if (before := page.before_id(most=INTEGER)) is not None:
            statement = statement.where(Notification.number < before)
        ordered = statement.order_by(col(Notification.number).desc())
        return (await self._session.execute(ordered.limit(page.limit + 1))).scalars().all()

    async def after(self, number: int, most: int) -> Sequence[Notification]:
        """What came after a number, the oldest first: of more than `most`, the newest."""
        statement = select(Notification).where(Notification.user_id == self._owner, Notification.number > number)
        found = await self._session.execute(statement.order_by(col(Notification.number).desc()).limit(most))
        return found.scalars().all()[::-1]

    async def unread(self) -> int:
        """How many were not read yet."""
        unread = col(Notification.read_at).is_(None)
        counting = select(func.count()).where(col(Notification.user_id) == self._owner, unread)
        return (await self._session.execute(counting)).scalar_one()

    async def newest(self) -> int:
        """The number of the last notification that there ever was; 0 before the first."""
        found = await self._session.execute(select(Feed.newest).where(Feed.user_id == self._owner))
        return found.scalar_one_or_none() or 0

    async def get(self, notification_id: UUID) -> Notification:
        """The notification, locked: it may be withdrawn, or removed in another tab, at this moment. Raises `NoSuchNotification`."""
        found = await self._session.get(Notification, notification_id, with_for_update=True)
        if found is None or found.user_id != self._owner:
            raise NoSuchNotification("There is no notification of yours with this id. It may have been withdrawn.")
        return found

    async def read(self, notification_id: UUID, now: datetime) -> Notification:
        """The student has seen it; a second time changes nothing. Raises `NoSuchNotification`."""
        found = await self.get(notification_id)
        found.read_at = found.read_at or now
        return found

    async def read_all(self, up_to: int, now: datetime) -> None:
        """The student has seen everything up to a number."""
        unread = col(Notification.read_at).is_(None)
        await self._session.execute(
            update(Notification)
            .where(col(Notification.user_id) == self._owner, unread, col(Notification.number) <= up_to)
            .values(read_at=now)
        )

    async def delete(self, notification_id: UUID) -> None:
        """Remove it. Raises `NoSuchNotification`."""
        await self._session.delete(await self.get(notification_id))
        await _say_withdrawn(self._session, notification_id, self._owner)


class Desk:
    """Where events become notifications. The newest version of a thing is what counts, in whatever order it is heard."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def tell(self, subject_id: UUID, version: int, *, owner: UUID, news: News | None, now: datetime) -> None:
        """Put the news in place of what was said of this thing before; None only withdraws that."""
        if not await self._is_newer(subject_id, version):
            return
        await self._withdraw(subject_id)
        if (
            news is None
            or await is_erased(self._session, owner)
            or not await wants(self._session, owner, news.kind, Channel.IN_APP)
        ):
            return
        kept = Notification(
            id=notification_id(subject_id, news.kind, version),
            user_id=owner,
            number=await self._next_number(owner),
            kind=news.kind,
            subject_id=subject_id,
            title=news.title,
            body=news.body,
            data=news.data,
            created_at=now,
        )
        self._session.add(kept)
        await Outbox(self._session, SCHEMA).add(
            NotificationDelivered(
                version=1, notification_id=kept.id, user_id=owner, kind=news.kind, channel=Channel.IN_APP.value
            )
        )

    async def _withdraw(self, subject_id: UUID) -> None:
        gone = delete(Notification).where(col(Notification.subject_id) == subject_id)
        found = await self._session.execute(gone.returning(col(Notification.id), col(Notification.user_id)))
        for notification, owner in found.all():
            await _say_withdrawn(self._session, notification, owner)

    async def _is_newer(self, subject_id: UUID, version: int) -> bool:
        statement = insert(Told).values(subject_id=subject_id, version=version)
        newer = statement.on_conflict_do_update(
            index_elements=["subject_id"],
            set_={"version": statement.excluded.version},
            where=col(Told.version) < statement.excluded.version,
        )
        return (await self._session.execute(newer.returning(col(Told.version)))).first() is not None

    async def _next_number(self, owner: UUID) -> int:
        statement = insert(Feed).values(user_id=owner, newest=1)
        counted = statement.on_conflict_do_update(
            index_elements=["user_id"], set_={"newest": col(Feed.newest) + 1}
        ).returning(col(Feed.newest))
        return (await self._session.execute(counted)).scalar_one()


async def _say_withdrawn(session: AsyncSession, notification: UUID, owner: UUID) -> None:
    await Outbox(session, SCHEMA).add(NotificationWithdrawn(version=2, notification_id=notification, user_id=owner))
