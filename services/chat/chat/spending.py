"""What a student's answers and proposed cards cost, summed up by the day or the month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, DateTime, Select, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from chat.models import Message, Proposal


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
        paid = union_all(self._answers(midnights[0]), self._proposals(midnights[0])).subquery().c
        place = func.width_bucket(paid.at, literal(midnights, ARRAY(DateTime(timezone=True))))
        found = await self._session.execute(
            select(
                place,
                paid.model,
                func.sum(paid.answers),
                func.sum(paid.input_tokens),
                func.sum(paid.output_tokens),
                func.coalesce(func.sum(paid.cost), 0),
                func.count().filter(paid.cost.is_(None)),
            )
            .group_by(place, paid.model)
            .order_by(place.desc(), paid.model)
        )
        return [Spent(begins[bucket - 1], *rest) for bucket, *rest in found]

    def _answers(self, since: datetime) -> Select[*tuple[Any, ...]]:
        return select(
            col(Message.finished_at).label("at"),
            col(Message.model),
            literal(1).label("answers"),
            col(Message.input_tokens),
            col(Message.output_tokens),
            col(Message.cost),
        ).where(
            col(Message.user_id) == self._owner,
            col(Message.input_tokens).is_not(None),
            col(Message.finished_at) >= since,
        )

    def _proposals(self, since: datetime) -> Select[*tuple[Any, ...]]:
        """Those that a model wrote at, if only in vain."""
        return select(
            col(Proposal.created_at),
            col(Proposal.model),
            literal(0),
            col(Proposal.input_tokens),
            col(Proposal.output_tokens),
            col(Proposal.cost),
        ).where(col(Proposal.user_id) == self._owner, col(Proposal.input_tokens) > 0, col(Proposal.created_at) >= since)
