"""What flashcard takes and shows of proposed cards over HTTP."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from flashcard.models import Draft, DraftStatus, NoteKind
from flashcard.schemas import CardOut, Question, Side, SourceOut, Tags


class DraftOut(BaseModel):
    """A card that was proposed from the student's material."""

    id: UUID
    proposal_id: UUID | None = Field(description="What it came with; null for what was missed in a quiz")
    status: DraftStatus
    kind: NoteKind
    question: str
    answer: str
    source: SourceOut | None
    created_at: datetime


class DraftChange(BaseModel):
    """What to change of a draft; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    question: Question | None = None
    answer: Side | None = None


class DraftAcceptance(BaseModel):
    """How a draft becomes a card; what is left out stays as proposed. Without a deck it goes into the deck “Default”."""

    model_config = ConfigDict(extra="forbid")

    deck_id: UUID | None = None
    question: Question | None = None
    answer: Side | None = None
    tags: Tags = []


class AllDraftsAcceptance(BaseModel):
    """Where all drafts go; without a deck into the deck “Default”."""

    model_config = ConfigDict(extra="forbid")

    deck_id: UUID | None = None
    proposal_id: UUID | None = Field(None, description="Those of this proposal alone")


class MadeCards(BaseModel):
    """Cards that were made."""

    cards: list[CardOut]


def draft_out(draft: Draft) -> DraftOut:
    """A draft as it is shown."""
    return DraftOut.model_validate(draft, from_attributes=True)
