"""Reviews: logged once, counted in the order in which they happened, and taken back.

A card's memory is what replaying its log gives. A review that happened after all others is added to it; one that arrives late,
from a device that was offline, makes the log be replayed. So two devices end with the same schedule in any order of arrival.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from chassis.errors import Conflict, Invalid
from chassis.study_day import StudyDay
from contracts.flashcard import CardReviewed, ReviewUndone
from mesh import Outbox
from sqlalchemy import bindparam, or_, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.decks import Decks
from flashcard.leeches import Leeches, leeches
from flashcard.memory import Memory
from flashcard.models import SCHEMA, Card, Deck, LoggedReview, NoteKind, Student, tables
from flashcard.notes import Notes, Shown
from flashcard.patience import lose_patience
from flashcard.ratings import Rating
from flashcard.replaying import batches, counted, due_by, in_turn, replay, replays_past
from flashcard.scheduling import DeckOptions

_CLOCKS_DIFFER = timedelta(minutes=5)
_SAID_ELSE = "A review with this id was sent before, and it said something else. Give each review an id of its own."


class ReviewInTheFuture(Invalid):
    type, title = "review-in-the-future", "The review has not happened yet"


class ReviewBeforeCard(Invalid):
    type, title = "review-before-card", "The review is older than its card"


class ReviewIdUsed(Conflict):
    type, title = "review-id-used", "Another review has this id"


class NothingToUndo(Conflict):
    type, title = "nothing-to-undo", "There is no review to take back"


@dataclass(frozen=True, slots=True)
class Given:
    """A review as a device reports it. `id` is the device's own: sent twice it counts once."""

    id: UUID
    rating: Rating
    quality: int
    at: datetime
    duration_ms: int | None = None


# The log that counts, and the review itself if it is there, in one round trip with the deck's options and the student's day.
_LOOK = (
    select(LoggedReview, Deck.options, Student.time_zone, Student.day_starts_at)
    .select_from(Deck)
    .outerjoin(Student, col(Student.user_id) == col(Deck.user_id))
    .outerjoin(
        LoggedReview,
        (col(LoggedReview.user_id) == bindparam("owner"))
        & or_(
            col(LoggedReview.id) == bindparam("sent"),
            (col(LoggedReview.card_id) == bindparam("card"))
            & col(LoggedReview.undone_at).is_(None)
            & ~col(LoggedReview.imported),
        ),
    )
    .where(col(Deck.id) == bindparam("deck"))
    .order_by(col(LoggedReview.reviewed_at), col(LoggedReview.id))
)
_ONE_UNDO = text("SELECT pg_advisory_xact_lock(hashtextextended('undo ' || CAST(:owner AS text), 0))")
_REVIEW = tables.metadata.tables[str(LoggedReview.__tablename__)]
_KEEP = insert(_REVIEW).on_conflict_do_nothing().returning(_REVIEW.c.id)


@dataclass(frozen=True, slots=True)
class _Found:
    counting: StudyDay
    options: DeckOptions
    log: list[LoggedReview]
    sent: LoggedReview | None


class Reviews:
    """One student's reviews. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner
        self._notes = Notes(session, owner)
        self._leeches = Leeches(session, owner)

    async def add(self, card_id: UUID, given: Given, now: datetime) -> Shown:
        """Log a review and schedule the card. Raises `NoSuchCard`, `ReviewInTheFuture`, `ReviewBeforeCard`, `ReviewIdUsed`."""
        shown = await self._notes.get(card_id, lock=True)
        found = await self._look(shown.card, given.id)
        if found.sent is not None:
            _expect_same(found.sent, card_id, given)
            return shown
        _expect_possible(given, shown.card, now)
        logged = self._logged(shown.card, given, found.counting.day_of(given.at), now)
        anew = replays_past(shown.card, found.options)
        log = (await self._logs([shown.card.id], [shown.card.id]))[shown.card.id] if anew else found.log
        before = leeches(log)
        log = sorted([*log, logged], key=_place)
        replay(shown.card, log, found.options)
        await self._leeches.settle(shown.card, before, leeches(log))
        await self._keep(logged)
        await self._session.flush()
        if (
            found.options.bury_siblings
            and shown.note.kind != NoteKind.BASIC
            and logged.day == found.counting.day_of(now)
        ):
            await self._bury_siblings(shown.card, logged)
        await Outbox(self._session, SCHEMA).add(_reviewed(shown.card, logged))
        return shown

    async def undo(self, now: datetime) -> tuple[LoggedReview, Shown]:
        """Take back the review that arrived last and still counts. Raises `NothingToUndo`."""
        # One undo of a student at a time, before any note is locked: two that chose the same review would make one of them go on to
        # another note with the first still locked, against the order in which everybody locks.
        await lose_patience(self._session)
        await self._session.execute(_ONE_UNDO, {"owner": str(self._owner)})
        logged = await self._last()
        shown = await self._notes.get(logged.card_id, lock=True)
        await self._session.refresh(logged)  # what was known before and after it may have been replayed while we waited
        options = await self._options(shown.card)
        anew = [shown.card.id] if replays_past(shown.card, options) else []
        log = (await self._logs([shown.card.id], anew))[shown.card.id]
        before = leeches(log)
        logged.undone_at = now
        log = [review for review in log if review is not logged]
        replay(shown.card, log, options)
        await self._leeches.settle(shown.card, before, leeches(log))
        await self._session.flush()
        await self._unbury_siblings(shown.card, logged)
        undone = ReviewUndone(
            card_id=shown.card.id, user_id=self._owner, review_id=logged.id, version=shown.card.version
        )
        await Outbox(self._session, SCHEMA).add(undone)
        return logged, shown

    async def reschedule(self, cards: Sequence[Card], options: DeckOptions) -> None:
        """Make the memory of these locked cards what their logs come to with these options."""
        for batch in batches(cards):
            anew = [card.id for card in batch if replays_past(card, options)]
            logs = await self._logs([card.id for card in batch], anew)
            async for card, log in in_turn(batch, logs):
                before = leeches(log)
                replay(card, log, options)
                await self._leeches.settle(card, before, leeches(log))
            await self._session.flush()
            for logged in chain.from_iterable(logs.values()):
                self._session.expunge(logged)  # the log of a thousand cards that are moved would be held until the end

    async def memories(self, cards: Sequence[Card], options: Mapping[UUID, DeckOptions]) -> Mapping[UUID, Memory]:
        """What the logs of these cards come to with the options of their decks, whatever the cards say yet."""
        found = {}
        for batch in batches(cards):
            anew = [card.id for card in batch if replays_past(card, options[card.deck_id])]
            logs = await self._logs([card.id for card in batch], anew)
            async for card, log in in_turn(batch, logs):
                found[card.id] = counted(card, log, options[card.deck_id])[-1]
        return found

    async def miss(self, card: Card, at: datetime, day: date) -> None:
        """The card's fact was missed in a quiz at `at`, on the student's `day`: it is due by then, and nothing else of what is
        known of it changes, because a miss is no review. The last one counts, in any order of arrival. The note is locked."""
        if card.missed_at is not None and card.missed_at >= at:
            return
        card.missed_at, card.missed_day = at, day
        logged = Memory.model_validate(last) if (last := await self._last_memory(card)) else await self._base(card)
        card.due_day = due_by(card, logged.due_day)
        card.version += 1
        await self._session.flush()

    async def _last_memory(self, card: Card) -> Mapping[str, Any] | None:
        """What was known of the card after its last review here that counts."""
        mine = select(LoggedReview.memory_after).where(
            LoggedReview.user_id == self._owner, LoggedReview.card_id == card.id
        )
        counting = mine.where(col(LoggedReview.undone_at).is_(None), ~col(LoggedReview.imported))
        last = counting.order_by(col(LoggedReview.reviewed_at).desc(), col(LoggedReview.id).desc()).limit(1)
        return (await self._session.execute(last)).scalar_one_or_none()

    async def _base(self, card: Card) -> Memory:
        """What is known of a card that was not reviewed here."""
        return (await self.memories([card], {card.deck_id: await self._options(card)}))[card.id]

    async def _logs(
        self, card_ids: Sequence[UUID], anew: Collection[UUID] = ()
    ) -> Mapping[UUID, Sequence[LoggedReview]]:
        """The reviews of these cards that count, in the order in which they happened; of those `anew` also the imported ones."""
        mine = select(LoggedReview).where(LoggedReview.user_id == self._owner, col(LoggedReview.card_id).in_(card_ids))
        past = col(LoggedReview.replayable) & col(LoggedReview.card_id).in_(anew)
        counting = mine.where(col(LoggedReview.undone_at).is_(None), or_(~col(LoggedReview.imported), past))
        logs: dict[UUID, list[LoggedReview]] = defaultdict(list)
        ordered = counting.order_by(col(LoggedReview.reviewed_at), col(LoggedReview.id))
        for logged in (await self._session.execute(ordered)).scalars():
            logs[logged.card_id].append(logged)
        return logs

    async def _look(self, card: Card, review_id: UUID) -> _Found:
        """What a review of the card depends on, and whether it was sent before. The card is locked: all that is read is settled."""
        asked = {"owner": self._owner, "card": card.id, "deck": card.deck_id, "sent": review_id}
        rows = (await self._session.execute(_LOOK, asked)).all()
        _, options, zone, starts_at = rows[0]
        logged = [row[0] for row in rows if row[0] is not None]
        return _Found(
            StudyDay() if zone is None else StudyDay(zone, starts_at),
            DeckOptions.model_validate(options),
            [review for review in logged if review.card_id == card.id],
            next((review for review in logged if review.id == review_id), None),
        )

    def _logged(self, card: Card, given: Given, day: date, now: datetime) -> LoggedReview:
        return LoggedReview(
            user_id=self._owner,
            id=given.id,
            card_id=card.id,
            deck_id=card.deck_id,
            rating=given.rating,
            quality=given.quality,
            reviewed_at=given.at,
            received_at=now,
            day=day,
            duration_ms=given.duration_ms,
        )

    async def _keep(self, logged: LoggedReview) -> None:
        kept = await self._session.execute(_KEEP, logged.model_dump(exclude_none=True))
        if kept.scalar_one_or_none() is None:  # the same id came for another card at the same moment
            raise ReviewIdUsed(_SAID_ELSE)

    async def _last(self) -> LoggedReview:
        there = select(Card.id).where(Card.id == LoggedReview.card_id).exists()
        statement = (
            select(LoggedReview)
            .where(LoggedReview.user_id == self._owner, there)
            .where(col(LoggedReview.undone_at).is_(None), ~col(LoggedReview.imported))
            .order_by(col(LoggedReview.received).desc())
            .limit(1)
        )
        found = (await self._session.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NothingToUndo("There is no review left that could be taken back.")
        return found

    async def _options(self, card: Card) -> DeckOptions:
        return (await Decks(self._session, self._owner).options([card.deck_id]))[card.deck_id]

    async def _bury_siblings(self, card: Card, logged: LoggedReview) -> None:
        """Until tomorrow; who is buried so long already stays as it is: this review is not why."""
        until = logged.day + timedelta(days=1)
        buried = _siblings(card).where(or_(col(Card.phase) == "new", col(Card.phase) == "review"))
        sooner = or_(col(Card.buried_until).is_(None), col(Card.buried_until) < until)
        await self._session.execute(buried.where(sooner).values(buried_until=until, buried_by=logged.id))

    async def _unbury_siblings(self, card: Card, logged: LoggedReview) -> None:
        buried = _siblings(card).where(col(Card.buried_by) == logged.id)
        await self._session.execute(buried.values(buried_until=None, buried_by=None))


def _siblings(card: Card):  # type: ignore[no-untyped-def]  # an Update of SQLAlchemy, whose type says less than nothing
    return update(Card).where(col(Card.note_id) == card.note_id, col(Card.id) != card.id)


def _place(logged: LoggedReview) -> tuple[datetime, UUID]:
    return logged.reviewed_at, logged.id


def _expect_same(sent: LoggedReview, card_id: UUID, given: Given) -> None:
    if (sent.card_id, sent.rating, sent.quality) != (card_id, given.rating, given.quality):
        raise ReviewIdUsed(_SAID_ELSE)


def _expect_possible(given: Given, card: Card, now: datetime) -> None:
    if given.at > now + _CLOCKS_DIFFER:
        raise ReviewInTheFuture("reviewed_at lies in the future. Check the device's clock and its time zone.")
    if given.at < card.created_at - _CLOCKS_DIFFER:
        raise ReviewBeforeCard("reviewed_at is before the card was made. Check the device's clock.")


def _reviewed(card: Card, logged: LoggedReview) -> CardReviewed:
    return CardReviewed(
        card_id=card.id,
        deck_id=card.deck_id,
        user_id=card.user_id,
        review_id=logged.id,
        rating=Rating(logged.rating).label,
        reviewed_at=logged.reviewed_at,
        day=logged.day,
        duration_ms=logged.duration_ms,
        due_at=card.due_at,
        due_day=card.due_day,
        version=card.version,
    )
