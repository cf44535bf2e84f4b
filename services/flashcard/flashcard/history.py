"""The log of one card as its student sees it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Self
from uuid import UUID

from chassis.paging import PageRequest, moment
from pydantic import BaseModel, Field
from sqlalchemy import tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.memory import Memory
from flashcard.models import LoggedReview
from flashcard.notes import Notes
from flashcard.ratings import Rating, RatingName


class LoggedReviewOut(BaseModel):
    """A review that happened, with the state before and after it as the log and the deck's options of now have it."""

    id: UUID
    rating: RatingName
    quality: int = Field(ge=0, le=5)
    reviewed_at: datetime
    received_at: datetime
    day: date = Field(description="The student's day on which it was given")
    duration_ms: int | None
    imported: bool = Field(
        description="It came with a deck; what it led to is the state that the card came with, or that replaying it by another algorithm gives"
    )
    undone_at: datetime | None
    before: Memory | None = Field(description="Null where it was imported or undone")
    after: Memory | None

    @classmethod
    def of(cls, logged: LoggedReview) -> Self:
        """A row of the log."""
        counts = (
            logged.undone_at is None and not logged.imported
        )  # of an imported one only phase and interval are known
        return cls.model_validate(
            logged.model_dump(exclude={"rating"})
            | {
                "rating": Rating(logged.rating).label,
                "before": logged.memory_before if counts else None,
                "after": logged.memory_after if counts else None,
            }
        )


async def history(session: AsyncSession, owner: UUID, card_id: UUID, page: PageRequest) -> Sequence[LoggedReview]:
    """The card's reviews, the newest first, one more than the page holds. Raises `NoSuchCard`, `Invalid`."""
    await Notes(session, owner).get(card_id)
    place = tuple_(col(LoggedReview.reviewed_at), col(LoggedReview.id))
    statement = (
        select(LoggedReview)
        .where(LoggedReview.user_id == owner, LoggedReview.card_id == card_id)
        .order_by(col(LoggedReview.reviewed_at).desc(), col(LoggedReview.id).desc())
        .limit(page.limit + 1)
    )
    if (last := page.after(moment, UUID)) is not None:
        statement = statement.where(place < last)
    return (await session.execute(statement)).scalars().all()
