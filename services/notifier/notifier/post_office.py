"""Mails from request to server: written down, sent outside of any transaction, written down again.

A process that dies between sending and writing sends the mail once more, under the same Message-ID.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis.clock import Clock
from chassis.database import Database
from chassis.personal_data import is_erased
from chassis.sealing import KeyRing
from contracts.auth import EmailRequested
from mesh import Transient
from sqlalchemy.ext.asyncio import AsyncSession

from notifier.addresses import NoAddress, recipient
from notifier.kinds import Channel
from notifier.letters import Letter, link_letter, message, news_letter
from notifier.mails import Mails
from notifier.models import MailStatus, Student, Told
from notifier.news import News
from notifier.notifications import notification_id
from notifier.posting import Pace, Passing, Post, Refused
from notifier.preferences import wants
from notifier.presence import is_present
from notifier.reminders import Reminders
from notifier.students import Students
from notifier.unsubscribing import Unsubscribing


class ProfileUnknown(Transient):
    """The student's address has not been heard of yet; it will be."""


@dataclass(frozen=True)
class Order:
    """A mail that is to be sent, until it is of no use any more. `is_last` says that nobody will try again."""

    id: UUID
    owner: UUID
    kind: str
    email: str
    expires_at: datetime
    is_last: bool


@dataclass(frozen=True)
class PostOffice:
    """Sends what was asked for and what students want to be told by mail."""

    database: Database
    post: Post
    ring: KeyRing
    unsubscribing: Unsubscribing
    sender: Address
    clock: Clock
    pace: Pace
    study_url: str

    async def send_requested(self, event: EmailRequested, *, is_last: bool) -> None:
        """A mail with a secret link. Raises `SealBroken` where it was sealed by keys that are not ours."""
        link = self.ring.open(event.sealed_link)
        order = Order(event.request_id, event.user_id, event.kind, event.email, event.expires_at, is_last)
        await self._send(order, lambda: link_letter(event.kind, event.name, link, event.expires_at))

    async def send_news(
        self,
        subject_id: UUID,
        version: int,
        *,
        owner: UUID,
        news: News,
        told_at: datetime,
        expires_at: datetime,
        is_last: bool,
    ) -> None:
        """A notification by mail, where the student wants it and has not heard newer. Raises `ProfileUnknown`."""
        now = max(self.clock(), told_at)  # who told of it may have a clock that is ahead: it is not quiet again
        mail_id = notification_id(subject_id, news.kind, version)
        async with self.database.transaction() as session:
            student = await self._addressee(session, subject_id, version, owner=owner, news=news, now=now)
            if student is None:
                await Mails(session, self.clock()).lapse(mail_id)
                return
        order = Order(mail_id, owner, news.kind, student.email, expires_at, is_last)
        unsubscribe = self.unsubscribing.link(owner, news.kind)
        await self.pace.turn()
        await self._send(order, lambda: news_letter(news, student.name, unsubscribe, self.study_url))

    async def _addressee(
        self, session: AsyncSession, subject_id: UUID, version: int, *, owner: UUID, news: News, now: datetime
    ) -> Student | None:
        """Who is to get the news; nobody where it is not wanted, or not at this hour, is old, or was seen."""
        if not await wants(session, owner, news.kind, Channel.EMAIL):
            return None
        told = await session.get(Told, subject_id)
        if told is not None and told.version > version:
            return None
        if news.only_for_who_left and await is_present(session, owner, now):
            return None
        student = await Students(session).get(owner)
        if student is None:
            if await is_erased(session, owner):
                return None
            raise ProfileUnknown(f"nothing was heard of user {owner} yet")
        if news.heeds_quiet_hours:
            hours = await Reminders(session, owner).hours()
            if hours.are_quiet(now, ZoneInfo(student.time_zone)):
                return None  # chosen, or flown into, while the mail waited
        return student if student.email_verified else None

    async def _send(self, order: Order, write: Callable[[], Letter]) -> None:
        async with self.database.transaction() as session:
            mails = Mails(session, self.clock())
            if await is_erased(session, order.owner):
                return
            if not await mails.begin(order.id, owner=order.owner, kind=order.kind, email=order.email):
                return
            if self.clock() >= order.expires_at:
                await mails.fail(order.id, MailStatus.EXPIRED)
                return
        try:
            await self._hand_over(order, write())
        except Refused as refusal:
            async with self.database.transaction() as session:
                await Mails(session, self.clock()).fail(order.id, MailStatus.REFUSED, str(refusal))
        except Passing as error:
            async with self.database.transaction() as session:
                mails, said = Mails(session, self.clock()), f"{type(error).__name__}: {error}"
                if order.is_last:
                    await mails.fail(order.id, MailStatus.UNREACHABLE, said)
                else:
                    await mails.defer(order.id, said)
            raise
        else:
            async with self.database.transaction() as session:
                await Mails(session, self.clock()).deliver(order.id)

    async def _hand_over(self, order: Order, letter: Letter) -> None:
        try:
            to = recipient(order.email)
        except NoAddress as error:
            raise Refused(str(error)) from error
        mail = message(letter, mail_id=order.id, sender=self.sender, recipient=to, now=self.clock())
        await self.post.send(mail)
