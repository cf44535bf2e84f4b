"""Notifier's list of notifications, its profiles, and its log of mails."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.message import EmailMessage
from uuid import uuid4

from chassis.clock import Clock
from chassis.sealing import KeyRing
from chassis.settings import DEVELOPMENT_KEY_RING
from contracts.auth import EmailRequested, UserEmailVerified, UserProfileChanged, UserRegistered
from contracts.chat import MessageAnswered
from contracts.flashcard import ReviewsCleared, ReviewsDue
from contracts.notifier import ReviewReminderRaised
from hypothesis import strategies as st
from mesh import Event
from mesh.injection import Provide
from notifier import events
from notifier.addresses import sender
from notifier.kinds import Channel, NotificationKind
from notifier.models import Mail, Notification, Preference, Reminder, Student, Told, tables
from notifier.notifications import Desk, notification_id
from notifier.post_office import PostOffice
from notifier.posting import Pace
from notifier.reminders import subject_of
from notifier.unsubscribing import Unsubscribing
from sqlmodel import select

from .harness import Copy
from .histories import ADA, GRACE, OWNERS, documents, left_behind, profile, users

RING = KeyRing(DEVELOPMENT_KEY_RING.get_secret_value())


def _noon() -> datetime:
    return datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@st.composite
def news(draw: st.DrawFn) -> list[Event]:
    """Documents and answers."""
    answers = [
        MessageAnswered(
            version=2, message_id=uuid4(), session_id=uuid4(), user_id=draw(OWNERS), citations=[], offline=True
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    return [*draw(documents()), *answers]


class News(Copy):
    """What a student was told in the app, and what is not to be told any more. The order of the list is that of arrival."""

    service = "notifier"
    bus = events.bus
    handlers = frozenset(
        {"tell_of_document", "withdraw_news_of_document", "tell_of_answer", "erase_user", "export_user"}
    )

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return left_behind(news())

    def provide(self) -> Provide:
        return {Desk: Desk, Clock: lambda: _noon}

    async def state(self) -> object:
        async with self.database.transaction() as session:
            shown = (await session.execute(select(Notification))).scalars().all()
            told = (await session.execute(select(Told))).scalars().all()
        listed = {(row.subject_id, row.user_id, row.kind, row.title, row.body, str(row.data)) for row in shown}
        assert len(listed) == len(shown)
        gone, exports, holding = await self.left_of_users(tables.metadata)
        assert not holding
        return listed, {(row.subject_id, row.version) for row in told}, gone, exports


class Profiles(Copy):
    """Where students are reached."""

    service = "notifier"
    bus = events.bus
    handlers = frozenset({"keep_profile", "erase_user", "export_user"})

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return users()

    def provide(self) -> Provide:
        return {}

    async def state(self) -> object:
        async with self.database.transaction() as session:
            rows = (await session.execute(select(Student))).scalars().all()
        gone, exports, holding = await self.left_of_users(tables.metadata)
        assert not holding
        return {row.user_id: row.model_dump() for row in rows}, gone, exports


@st.composite
def due(draw: st.DrawFn) -> list[Event]:
    """Students who have a profile, or have none yet, whose days begin with cards, and who finish them or do not."""
    history: list[Event] = []
    for user in (ADA, GRACE):
        zone = draw(st.sampled_from(["Europe/London", "Asia/Tokyo", "America/Los_Angeles"]))
        if user == ADA or draw(st.booleans()):
            history.append(UserRegistered(version=1, **profile(user)))
            history.append(
                UserProfileChanged(version=2, **profile(user, time_zone=zone, day_starts_at=draw(st.integers(0, 23))))
            )
        version = 0
        for number, cleared in enumerate(draw(st.lists(st.booleans(), min_size=1, max_size=3))):
            day, version = date(2026, 11, 26 + number), version + 1
            ends = datetime(2026, 11, 27 + number, 4, tzinfo=UTC)
            history.append(ReviewsDue(version=version, user_id=user, day=day, reviews=number, new=2, day_ends_at=ends))
            if cleared:
                version += 1
                history.append(ReviewsCleared(version=version, user_id=user, day=day))
    return history


class Reminders(Copy):
    """What is due for students, and when they are to be reminded of it."""

    service = "notifier"
    bus = events.bus
    handlers = frozenset({"note_reviews_due", "note_reviews_cleared", "keep_profile", "erase_user", "export_user"})

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return left_behind(due())

    def provide(self) -> Provide:
        return {Desk: Desk, Clock: lambda: _noon}

    async def state(self) -> object:
        async with self.database.transaction() as session:
            rows = (await session.execute(select(Reminder))).scalars().all()
            told = (await session.execute(select(Told))).scalars().all()
        gone, exports, holding = await self.left_of_users(tables.metadata)
        assert not holding
        return (
            {row.user_id: row.model_dump() for row in rows},
            {(row.subject_id, row.version) for row in told},
            gone,
            exports,
        )


@dataclass
class Folder:
    """A post that keeps what it is given."""

    mails: list[EmailMessage] = field(default_factory=list)

    async def send(self, mail: EmailMessage) -> None:
        self.mails.append(mail)


@st.composite
def mailed(draw: st.DrawFn) -> list[Event]:
    """Users with a verified address, links that they ask for, and news and reminders that they want by mail.

    Whether news that was withdrawn meanwhile had been mailed is nothing that can converge: no mail is called back.
    """
    history: list[Event] = [UserEmailVerified(version=2, **profile(user, email_verified=True)) for user in (ADA, GRACE)]
    links = [
        EmailRequested(
            version=1, request_id=uuid4(), user_id=draw(OWNERS), kind=draw(st.sampled_from(["verify_email", "reset_password"])),
            email="ada@example.org", name="Ada", sealed_link=RING.seal("http://localhost/#token=1"),
            expires_at=datetime(2026, 11, draw(st.sampled_from([25, 27])), tzinfo=UTC),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    firsts = {event.aggregate_id: event for event in reversed(draw(news())) if event.version == 2}
    reminders = [
        ReviewReminderRaised(
            version=1, notification_id=notification_id(subject_of(user), "review_reminder", number), user_id=user, due_version=number,
            day=date(2026, 11, 25), reviews=3, new=0, expires_at=datetime(2026, 11, hour, tzinfo=UTC),
        )
        for user in (ADA, GRACE)
        for number, hour in enumerate(draw(st.lists(st.sampled_from([25, 27]), max_size=2)), start=1)
    ]  # fmt: skip
    return [*history, *links, *firsts.values(), *reminders]


class Mails(Copy):
    """What became of each mail."""

    service = "notifier"
    bus = events.bus
    handlers = frozenset({"mail_link", "mail_news", "mail_reminder", "keep_profile", "erase_user"})

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return left_behind(mailed())

    async def prepare(self) -> None:
        chosen = [
            Preference(user_id=user, kind=kind, channel=Channel.EMAIL, wanted=True)
            for user in (ADA, GRACE)
            for kind in NotificationKind
        ]
        async with self.database.transaction() as session:
            session.add_all(chosen)

    def provide(self) -> Provide:
        office = PostOffice(
            database=self.database,
            post=Folder(),
            ring=RING,
            unsubscribing=Unsubscribing(RING, "http://localhost"),
            sender=sender("Study Teddy <no-reply@example.org>"),
            clock=_noon,
            pace=Pace(1000),
            study_url="http://localhost",
        )
        return {PostOffice: lambda: office}

    async def state(self) -> object:
        async with self.database.transaction() as session:
            rows = (await session.execute(select(Mail))).scalars().all()
        gone, _, holding = await self.left_of_users(tables.metadata)
        assert not holding
        return {row.id: (row.user_id, row.kind, row.email, row.status) for row in rows}, gone
