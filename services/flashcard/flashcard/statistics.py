"""What a student's log tells: how much is remembered, what is coming, how much time it takes."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from flashcard.decks import Decks
from flashcard.fsrs_scheduling import Fsrs, forgetting
from flashcard.memory import Memory, Phase

# Anki's line between young and mature cards, in days.
MATURE = 21
_BINS = 10

# Without decks the whole log counts: a deck that was deleted leaves what was done in it.
_RETENTION = text("""
    SELECT count(*) FILTER (WHERE rating > 1 AND NOT mature) AS young_passed, count(*) FILTER (WHERE NOT mature) AS young,
           count(*) FILTER (WHERE rating > 1 AND mature) AS mature_passed, count(*) FILTER (WHERE mature) AS mature
    FROM (
        SELECT DISTINCT ON (card_id, day) rating, coalesce((memory_before ->> 'interval')::int, 0) >= :mature AS mature
        FROM review
        WHERE user_id = :owner AND (CAST(:decks AS uuid[]) IS NULL OR deck_id = ANY(:decks)) AND undone_at IS NULL AND day > :since AND day <= :today
              AND memory_before ->> 'phase' = 'review'
        ORDER BY card_id, day, reviewed_at
    ) AS first_of_the_day
""")
_DAYS = text("""
    SELECT day, count(*) AS reviews, coalesce(sum(duration_ms), 0)::bigint AS duration_ms
    FROM review WHERE user_id = :owner AND (CAST(:decks AS uuid[]) IS NULL OR deck_id = ANY(:decks)) AND undone_at IS NULL AND day > :since AND day <= :today
    GROUP BY day ORDER BY day
""")
_STUDIED = text("""
    SELECT DISTINCT day FROM review
    WHERE user_id = :owner AND undone_at IS NULL AND day <= :today AND day > :since ORDER BY day DESC
""")
_FORECAST = text("""
    SELECT greatest(coalesce(due_day, :today), :today) AS day, count(*) AS cards
    FROM card
    WHERE user_id = :owner AND (CAST(:decks AS uuid[]) IS NULL OR deck_id = ANY(:decks)) AND NOT suspended AND phase <> 'new'
          AND coalesce(due_day, :today) < :until
    GROUP BY 1 ORDER BY 1
""")
_MATURITY = text("""
    SELECT count(*) FILTER (WHERE suspended) AS suspended,
           count(*) FILTER (WHERE NOT suspended AND phase = 'new') AS new,
           count(*) FILTER (WHERE NOT suspended AND phase IN ('learning', 'relearning')) AS learning,
           count(*) FILTER (WHERE NOT suspended AND phase = 'review' AND interval < :mature) AS young,
           count(*) FILTER (WHERE NOT suspended AND phase = 'review' AND interval >= :mature) AS mature
    FROM card WHERE user_id = :owner AND (CAST(:decks AS uuid[]) IS NULL OR deck_id = ANY(:decks))
""")
_REMEMBERED = text("""
    SELECT stability, last_day, count(*) AS cards FROM card
    WHERE user_id = :owner AND (CAST(:decks AS uuid[]) IS NULL OR deck_id = ANY(:decks)) AND NOT suspended AND stability IS NOT NULL AND last_day IS NOT NULL
    GROUP BY stability, last_day
""")

# FSRS's forgetting curve, in the database: a student may have tens of thousands of memories, each asked for several days.
_CURVE = text("""
    SELECT CAST(:today AS date) + ahead AS day,
           sum(cards * power(1 + CAST(:factor AS double precision) * greatest(CAST(:today AS date) + ahead - last_day, 0) / stability, CAST(:decay AS double precision))) / sum(cards) AS recalled
    FROM (
        SELECT stability, last_day, count(*) AS cards FROM card
        WHERE user_id = :owner AND (CAST(:decks AS uuid[]) IS NULL OR deck_id = ANY(:decks)) AND NOT suspended AND stability > 0 AND last_day IS NOT NULL
        GROUP BY stability, last_day
    ) AS memory, generate_series(0, :ahead, greatest(1, :ahead / 12)) AS ahead
    GROUP BY ahead ORDER BY ahead
""")


class Retention(BaseModel):
    """How many reviews of known cards were passed, counting the first of a card on each day; null where there was none."""

    young: float | None
    mature: float | None
    total: float | None
    reviews: int


class StudiedDay(BaseModel):
    """What was reviewed on a day."""

    day: date
    reviews: int
    minutes: float


class ForecastDay(BaseModel):
    """How many cards come back on a day; today's include what is overdue."""

    day: date
    cards: int


class CurvePoint(BaseModel):
    """Which share of the cards, from 0 to 1, would be recalled on a day if nothing were reviewed until then."""

    day: date
    recalled: float


class Maturity(BaseModel):
    """Cards by how well they are known: young below 21 days, mature from then on."""

    new: int
    learning: int
    young: int
    mature: int
    suspended: int


class Statistics(BaseModel):
    """Of one deck with what lies in it, or of all; days are the student's. What was reviewed in decks and cards that are deleted counts
    in the totals of all."""

    retention: Retention = Field(description="True retention over the period")
    days: list[StudiedDay] = Field(description="Days of the period on which something was reviewed")
    streak: int = Field(description="Days in a row with a review, up to today or yesterday; of all decks")
    forecast: list[ForecastDay]
    maturity: Maturity
    retrievability: list[int] = Field(
        description="Cards by how likely they are recalled today, in ten steps from 0 to 1"
    )
    retention_curve: list[CurvePoint] = Field(description="How what is known now is forgotten over the period, by FSRS")
    expected_known: float = Field(description="How many cards would be recalled today, by FSRS")


class StatisticsOf:
    """One student's statistics. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def over(self, today: date, days: int, deck_id: UUID | None) -> Statistics:
        """Looking back and ahead for so many days. Raises `NoSuchDeck`."""
        decks = Decks(self._session, self._owner)
        inside = [deck.id for deck in await decks.within(await decks.get(deck_id))] if deck_id else None
        bound = {"owner": self._owner, "decks": inside, "today": today, "mature": MATURE}
        bound |= {"since": today - timedelta(days=days), "until": today + timedelta(days=days)}
        decay, factor = forgetting()
        curve = {"ahead": days, "decay": decay, "factor": factor}
        studied = await self._rows(_DAYS, bound)
        bins, known = await self._remembered(bound, today)
        return Statistics(
            retention=_retention((await self._rows(_RETENTION, bound))[0]),
            days=[
                StudiedDay(day=row["day"], reviews=row["reviews"], minutes=row["duration_ms"] / 60_000)
                for row in studied
            ],
            streak=_streak(
                [row["day"] for row in await self._rows(_STUDIED, bound | {"since": _long_before(today)})], today
            ),
            forecast=[ForecastDay.model_validate(row) for row in await self._rows(_FORECAST, bound)],
            maturity=Maturity.model_validate((await self._rows(_MATURITY, bound))[0]),
            retrievability=bins,
            retention_curve=[CurvePoint.model_validate(row) for row in await self._rows(_CURVE, bound | curve)],
            expected_known=known,
        )

    async def _rows(self, query: Any, bound: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
        names = set(query.compile().params)
        arrays = [bindparam("decks", type_=ARRAY(Uuid))] if "decks" in names else []
        found = await self._session.execute(query.bindparams(*arrays), {name: bound[name] for name in names})
        return [dict(row._mapping) for row in found]

    async def _remembered(self, bound: Mapping[str, Any], today: date) -> tuple[list[int], float]:
        scheduler, bins, known = Fsrs(), [0] * _BINS, 0.0
        for row in await self._rows(_REMEMBERED, bound):
            memory = Memory(phase=Phase.REVIEW, stability=row["stability"], difficulty=5.0, last_day=row["last_day"])
            chance = scheduler.retrievability(memory, today) or 0.0
            bins[min(int(chance * _BINS), _BINS - 1)] += row["cards"]
            known += chance * row["cards"]
        return bins, round(known, 1)


def _retention(row: Mapping[str, int]) -> Retention:
    def share(passed: int, count: int) -> float | None:
        return round(passed / count, 4) if count else None

    reviews = row["young"] + row["mature"]
    return Retention(
        young=share(row["young_passed"], row["young"]),
        mature=share(row["mature_passed"], row["mature"]),
        total=share(row["young_passed"] + row["mature_passed"], reviews),
        reviews=reviews,
    )


def _streak(days: Sequence[date], today: date) -> int:
    """Days in a row, newest first. Today need not be among them yet: the day is not over."""
    expected = today if days and days[0] == today else today - timedelta(days=1)
    streak = 0
    for day in days:
        if day != expected:
            break
        streak, expected = streak + 1, expected - timedelta(days=1)
    return streak


def _long_before(today: date) -> date:
    return today - timedelta(days=3660)
