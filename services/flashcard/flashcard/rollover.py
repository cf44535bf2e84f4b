"""A student's day begins: what is due is told once, whatever restarts; and when nothing is left of it, that too. On a day that begins
with nothing, or was cleared, what comes into it later is told.

A row says when a student's next day begins. Whoever finds it over locks it, tells, and moves it on, in one transaction: a process
that dies in between leaves the row for another, and two never take the same one.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis.study_day import StudyDay
from contracts.flashcard import DueDeck, ReviewsCleared, ReviewsDue
from mesh import Outbox
from sqlalchemy import Date, DateTime, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.models import SCHEMA, Student
from flashcard.queue import Queues
from flashcard.students import counting_of

# A transaction's worth: many students share a midnight.
BATCH = 500

_MOST_NAMED = 3

# By each of the three indexes apart, and of what is due and new by these alone: a student's other cards, which are most of them, are
# not read. Student by student, and each deck by its key: a planner that takes the arrays for longer than they are would read all
# decks of all students, and hash all their notes.
_OF_A_KIND = """
    SELECT deck_id, note_id, {kind} AS kind FROM card WHERE user_id = waking.user_id AND NOT suspended AND {which}
        AND (buried_until IS NULL OR buried_until <= today {unless})
"""
_STEPS = _OF_A_KIND.format(kind=0, which="due_at < ends_at", unless="OR buried_by IS NOT NULL")
_REVIEWS = _OF_A_KIND.format(kind=1, which="phase = 'review' AND due_day <= today", unless="")
_NEW = _OF_A_KIND.format(kind=2, which="phase = 'new'", unless="")
# What was done on the day before it is told, as in the queue, is taken from its limits; of a note whose cards stay apart the first
# kind counts alone.
_DUE = text(f"""
    SELECT waking.user_id, split_part(deck.name, '::', 1) AS name,
           sum(least(
               CASE WHEN deck.apart THEN counted.notes_due ELSE counted.reviews END,
               greatest(0, (options ->> 'reviews_per_day')::int - done.reviews)
           ) + steps)::int AS reviews,
           sum(least(
               CASE WHEN deck.apart THEN counted.notes_new ELSE counted.new END,
               greatest(0, (options ->> 'new_per_day')::int - done.new)
           ))::int AS new
    FROM unnest(CAST(:users AS uuid[]), CAST(:days AS date[]), CAST(:ends AS timestamptz[])) AS waking(user_id, today, ends_at)
    CROSS JOIN LATERAL (
        SELECT deck_id, sum(reviews) AS reviews, sum(steps) AS steps, sum(new) AS new,
               count(*) FILTER (WHERE first = 1) AS notes_due, count(*) FILTER (WHERE first = 2) AS notes_new
        FROM (
            SELECT deck_id, note_id, min(kind) AS first, (count(*) FILTER (WHERE kind = 0))::int AS steps,
                   (count(*) FILTER (WHERE kind = 1))::int AS reviews, (count(*) FILTER (WHERE kind = 2))::int AS new
            FROM ({_STEPS} UNION ALL {_REVIEWS} UNION ALL {_NEW}) AS kinds GROUP BY deck_id, note_id
        ) AS notes GROUP BY deck_id
    ) AS counted
    CROSS JOIN LATERAL (
        SELECT name, options, (options ->> 'bury_siblings')::boolean AS apart FROM deck WHERE deck.id = counted.deck_id OFFSET 0
    ) AS deck
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE memory_before ->> 'phase' IS NULL) AS new,
               count(*) FILTER (WHERE memory_before ->> 'phase' = 'review') AS reviews
        FROM review
        WHERE review.user_id = waking.user_id AND day = today AND review.deck_id = counted.deck_id
            AND undone_at IS NULL AND NOT imported
    ) AS done
    GROUP BY waking.user_id, split_part(deck.name, '::', 1)
""").bindparams(  # noqa: S608 # texts of ours
    bindparam("users", type_=ARRAY(Uuid)),
    bindparam("days", type_=ARRAY(Date)),
    bindparam("ends", type_=ARRAY(DateTime(timezone=True))),
)
# Plain columns and one UPDATE for all: objects of the ORM, and a statement for each, cost this process more than the relay beside it.
_WAKING = text("""
    SELECT user_id, time_zone, day_starts_at, next_day_at, told_day, told_version FROM student
    WHERE next_day_at <= :now ORDER BY next_day_at LIMIT :most FOR UPDATE SKIP LOCKED
""")
_TURNED = text("""
    UPDATE student SET next_day_at = turned.next_day_at, told_day = coalesce(turned.told_day, student.told_day),
           told_version = told_version + CASE WHEN turned.told_day IS NULL THEN 0 ELSE 1 END
    FROM unnest(CAST(:users AS uuid[]), CAST(:ends AS timestamptz[]), CAST(:told AS date[]))
        AS turned(user_id, next_day_at, told_day)
    WHERE student.user_id = turned.user_id
""")
# Of two last cards that are done at once, who comes second must see that the first is done.
_UNCLEARED = (
    select(Student)
    .where(col(Student.user_id) == bindparam("student"), col(Student.told_day).is_not(None))
    .where(col(Student.told_day).is_distinct_from(col(Student.cleared_day)))
    .with_for_update()
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is to be done on a day within its limits; `decks` are the first outermost that have some, the most first."""

    reviews: int
    new: int
    decks: list[DueDeck]
    more_decks: int


@dataclass(frozen=True, slots=True)
class Today:
    """A student's day."""

    day: date
    begins_at: datetime
    ends_at: datetime


class Rollovers:
    """The beginnings of all students' days."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def turn(self, now: datetime, most: int = BATCH) -> int:
        """Tell what is due to students whose day has begun, at most so many; how many days were turned."""
        waking = (await self._session.execute(_WAKING, {"now": now, "most": most})).all()
        if not waking:
            return 0
        # Many students, few ways to count days.
        countings = {(zone, starts_at) for _, zone, starts_at, *_ in waking}
        begun = {counting: _today(StudyDay(*counting), now) for counting in countings}
        today_of = {student: begun[zone, starts_at] for student, zone, starts_at, *_ in waking}
        waiting = await self.waiting(today_of)
        due: dict[UUID, ReviewsDue] = {}
        for student, _, _, woken_at, told_day, version in waking:
            today, found = today_of[student], waiting.get(student)
            # Who flies west lives a day twice: it is told once.
            if found and (told_day is None or told_day < today.day):
                # Who signed up, or came to where it is today, in the course of the day has had it since then.
                since = woken_at if woken_at > today.begins_at else None
                due[student] = _told(student, today, found, version=version + 1, since=since)
        turned = {
            "users": list(today_of),
            "ends": [today.ends_at for today in today_of.values()],
            "told": [today.day if student in due else None for student, today in today_of.items()],
        }
        await self._session.execute(_TURNED, turned)
        await Outbox(self._session, SCHEMA).add(*due.values())
        return len(waking)

    async def next_at(self) -> datetime | None:
        """When the next student's day begins."""
        statement = select(Student.next_day_at).order_by(col(Student.next_day_at)).limit(1)
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def waiting(self, days: Mapping[UUID, Today]) -> Mapping[UUID, Waiting]:
        """What these students have to do on these days of theirs; who has nothing is left out."""
        if not days:
            return {}
        asked = {
            "users": list(days),
            "days": [today.day for today in days.values()],
            "ends": [today.ends_at for today in days.values()],
        }
        rows = await self._session.execute(_DUE, asked)
        found: dict[UUID, list[tuple[int, str, int, int]]] = defaultdict(list)
        for student, name, reviews, new in rows:
            if reviews + new:
                found[student].append((-reviews - new, name, reviews, new))  # so sorted, the most come first
        return {student: _waiting(sorted(decks)) for student, decks in found.items()}


def _waiting(decks: list[tuple[int, str, int, int]]) -> Waiting:
    named = [DueDeck(name=name, cards=reviews + new) for _, name, reviews, new in decks[:_MOST_NAMED]]
    return Waiting(sum(deck[2] for deck in decks), sum(deck[3] for deck in decks), named, len(decks) - len(named))


def _today(counting: StudyDay, now: datetime) -> Today:
    day = counting.day_of(now)
    return Today(day, counting.start_of(day), counting.end_of(day))


def _told(student: UUID, today: Today, found: Waiting, *, version: int, since: datetime | None = None) -> ReviewsDue:
    return ReviewsDue(
        user_id=student,
        day=today.day,
        reviews=found.reviews,
        new=found.new,
        day_ends_at=today.ends_at,
        since=since,
        decks=found.decks,
        more_decks=found.more_decks,
        version=version,
    )


async def tell_when_due(session: AsyncSession, owner: UUID, now: datetime) -> None:
    """After whatever may bring cards into the day: if nothing stands of what is due today, tell it. Locks the student's row, so that
    who clears the day at the same moment sees these cards, or is seen."""
    mine = select(Student).where(Student.user_id == owner).with_for_update().execution_options(populate_existing=True)
    await session.flush()
    student = (await session.execute(mine)).scalar_one_or_none()
    if student is None:
        return  # it is told when the profile is here
    today = _today(counting_of(student), now)
    cleared = student.told_day == student.cleared_day
    if student.told_day is not None and (
        student.told_day > today.day or (student.told_day == today.day and not cleared)
    ):
        return
    # A day that the scheduler has not begun yet is left to it; else nothing may be left, as whoever clears the day would have it.
    begun = student.next_day_at > now
    if not begun or await Queues(session, owner).is_done(now, today.day, today.ends_at):
        return
    found = (await Rollovers(session).waiting({owner: today})).get(owner)
    if found is None:
        return
    student.told_day, student.cleared_day, student.told_version = today.day, None, student.told_version + 1
    await session.flush()
    await Outbox(session, SCHEMA).add(_told(owner, today, found, version=student.told_version, since=now))


async def tell_what_is_left(session: AsyncSession, owner: UUID, now: datetime) -> None:
    """After what may bring cards into the day or take them out of it."""
    await tell_when_cleared(session, owner, now)
    await tell_when_due(session, owner, now)


async def tell_when_cleared(session: AsyncSession, owner: UUID, now: datetime) -> None:
    """After a review, or whatever else takes cards from the day: if nothing is left of what was told to be due today, tell so."""
    student = (await session.execute(_UNCLEARED, {"student": owner})).scalar_one_or_none()
    if student is None:
        return
    counting = counting_of(student)
    today = counting.day_of(now)
    if student.told_day != today or not await Queues(session, owner).is_done(now, today, counting.end_of(today)):
        return
    student.cleared_day, student.told_version = today, student.told_version + 1
    await session.flush()
    await Outbox(session, SCHEMA).add(ReviewsCleared(user_id=owner, day=today, version=student.told_version))
