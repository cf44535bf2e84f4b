"""What flashcard tells the mesh."""

from datetime import date
from typing import Literal
from uuid import UUID

from mesh import Event
from pydantic import AwareDatetime, BaseModel, Field

from contracts.personal_data import DataErased, DataExported

Rating = Literal["again", "hard", "good", "easy"]


class CardCreated(Event, type="flashcard.card.created", version=1, aggregate="card_id"):
    """A student has a new card."""

    card_id: UUID
    note_id: UUID = Field(description="Cards of one note ask for the same fact in different ways")
    deck_id: UUID
    user_id: UUID
    question: str
    answer: str
    tags: list[str]
    document_id: UUID | None = Field(None, description="The document that it was made from")


class CardReviewed(Event, type="flashcard.card.reviewed", version=1, aggregate="card_id"):
    """A review of a card counts, and when the card comes back. Published once per review."""

    card_id: UUID
    deck_id: UUID
    user_id: UUID
    review_id: UUID
    rating: Rating
    reviewed_at: AwareDatetime
    day: date = Field(description="The student's day of the review")
    duration_ms: int | None = Field(None, ge=0)
    due_at: AwareDatetime | None = Field(None, description="When it comes back, where that is within the day")
    due_day: date | None = Field(None, description="The student's day on which it comes back")


class ReviewUndone(Event, type="flashcard.review.undone", version=1, aggregate="card_id"):
    """A review was taken back, and does not count any more."""

    card_id: UUID
    user_id: UUID
    review_id: UUID


class DeckShared(Event, type="flashcard.deck.shared", version=1, aggregate="deck_id"):
    """A deck can be copied by whoever has its link."""

    deck_id: UUID
    user_id: UUID
    name: str
    cards: int = Field(ge=0)


class DueDeck(BaseModel):
    """A deck with what lies in it, and how many of its cards are due."""

    name: str
    cards: int = Field(ge=1)


class ReviewsDue(Event, type="flashcard.reviews.due", version=1, aggregate="user_id"):
    """A student has cards to review on this day. Published once per student and day: when it begins, or, where it begins with
    none, when the first are there. Once more only after reviews.cleared, when there are some again."""

    user_id: UUID
    day: date
    reviews: int = Field(ge=0, description="Cards that are due by their interval")
    new: int = Field(ge=0, description="New cards that the day's limits allow")
    day_ends_at: AwareDatetime
    since: AwareDatetime | None = Field(None, description="Since when, where it is not since the day's beginning")
    decks: list[DueDeck] = Field([], description="Those with the most of them, at most three, by their outermost names")
    more_decks: int = Field(0, ge=0, description="How many others have some")


class ReviewsCleared(Event, type="flashcard.reviews.cleared", version=1, aggregate="user_id"):
    """Nothing is left to review on the student's day."""

    user_id: UUID
    day: date


class FlashcardDataErased(DataErased, type="flashcard.user_data.erased", version=1, aggregate="user_id"):
    """Flashcard keeps nothing of the user any more."""


class FlashcardDataExported(DataExported, type="flashcard.user_data.exported", version=1, aggregate="export_id"):
    """What flashcard keeps of the user waits to be fetched."""
