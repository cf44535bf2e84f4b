"""What a student's answers cost, summed up by the day or the month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, DateTime, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chat.models import Message


class Period(StrEnum):
    DAY = "day"
    MONTH = "month"


_REACH = {Period.DAY: 31, Period.MONTH: 12}


@dataclass(frozen=True, slots=True)
class Spent:
    """What one model's answers cost in a period that begins on `begins`. `cost_usd` leaves out the `unpriced` answers."""

    begins: date
    model: str | None
    answers: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int


def latest(period: Period, today: date) -> list[date]:
    """The days or months up to today's that are summed up, by their first day, the oldest first."""
    if period is Period.DAY:
        return [today - timedelta(days=back) for back in reversed(range(_REACH[period]))]
    months = today.year * 12 + today.month - 1
    return [date(at // 12, at % 12 + 1, 1) for at in range(months - _REACH[period] + 1, months + 1)]


class Spending:
    """One student's."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def by(self, period: Period, zone: ZoneInfo, now: datetime) -> Sequence[Spent]:
        """The latest period first. Days and months are those of the zone: its midnights are told to the database."""
        begins = latest(period, now.astimezone(zone).date())
        midnights = [datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) for day in begins]
        place = func.width_bucket(Message.finished_at, literal(midnights, ARRAY(DateTime(timezone=True))))
        found = await self._session.execute(
            select(
                place,
                col(Message.model),
                func.count(),
                func.sum(Message.input_tokens),
                func.sum(Message.output_tokens),
                func.coalesce(func.sum(Message.cost), 0),
                func.count().filter(col(Message.cost).is_(None)),
            )
            .where(
                col(Message.user_id) == self._owner,
                col(Message.input_tokens).is_not(None),
                col(Message.finished_at) >= midnights[0],
            )
            .group_by(place, col(Message.model))
            .order_by(place.desc(), col(Message.model))
        )
        return [Spent(begins[bucket - 1], *rest) for bucket, *rest in found]
