"""What chat tells the mesh."""

from typing import Literal
from uuid import UUID

from mesh import EphemeralEvent, Event
from pydantic import AwareDatetime, BaseModel, Field

from contracts.personal_data import DataErased, DataExported

Mode = Literal["tutor", "active_recall", "feynman"]


class SessionStarted(Event, type="chat.session.started", version=1, aggregate="session_id"):
    """A student began to study."""

    session_id: UUID
    user_id: UUID
    mode: Mode
    document_ids: list[UUID] = Field(description="The chosen documents; empty means all of the student's")


class Cited(BaseModel):
    """A passage that an answer rests on."""

    document_id: UUID
    page: int | None


class MessageAsked(EphemeralEvent, type="chat.message.asked", version=1, aggregate="message_id"):
    """An answer is being written: `GET /chat/messages/{message_id}/stream` follows it. May be lost; the session's messages tell it, too."""

    message_id: UUID = Field(description="The answer's")
    session_id: UUID
    question_id: UUID
    user_id: UUID
    attempt: int = Field(ge=1, description="Above 1 for a retry")


class MessageAnswered(Event, type="chat.message.answered", version=1, aggregate="message_id"):
    """A question has its whole answer. Published once per question, retries included."""

    message_id: UUID
    session_id: UUID
    user_id: UUID
    citations: list[Cited]
    offline: bool = Field(description="No language model took part: the answer was extracted from the material")
    followed: bool = Field(
        False,
        description="When its end was stored, a stream of it was open at the process that wrote it, or a request waited for "
        "the whole: to the student it is taken for no news. Whether the end arrived there is not known",
    )


class MissingPoint(BaseModel):
    """A key point that an explanation does not hold, in the material's own words, and where it stands."""

    text: str
    document_id: UUID
    page: int | None


class ExplanationAssessed(Event, type="chat.explanation.assessed", version=1, aggregate="message_id"):
    """A student explained a concept and was told what of it the material supports. Published once per attempt, retries included."""

    message_id: UUID
    session_id: UUID
    user_id: UUID
    concept: str
    attempt: int = Field(ge=1, description="Counts the explanations of this concept in the session")
    supported: int = Field(ge=0, description="Claims that the material supports")
    contradicted: int = Field(ge=0)
    unspoken: int = Field(ge=0, description="Claims that the material does not speak of")
    missing: list[MissingPoint] = Field(description="The biggest gap first")
    coverage: float = Field(ge=0, le=1, description="The share of the key points that this and earlier attempts cover")


class ProposedCard(BaseModel):
    """A card that could be made from a passage."""

    kind: Literal["basic", "cloze"] = "basic"
    question: str = Field(description="With {{c1::…}} around what a cloze hides")
    answer: str
    document_id: UUID
    document_title: str
    page: int | None
    part: int
    quote: str = Field(description="Words that stand in the passage")


class FlashcardsProposed(Event, type="chat.flashcards.proposed", version=1, aggregate="proposal_id"):
    """A student asked for cards from a session or a document; they wait for the student to take or leave them."""

    proposal_id: UUID
    user_id: UUID
    session_id: UUID | None = None
    document_id: UUID | None = None
    cards: list[ProposedCard]
    offline: bool = Field(description="No language model took part")


class RecallSource(BaseModel):
    """Where the answer to a question stands."""

    document_id: UUID
    document_title: str
    page: int | None
    part: int
    quote: str


class RecallGraded(Event, type="chat.recall.graded", version=1, aggregate="message_id"):
    """A student's answer in a quiz was graded. Published once per answer, retries included; what is skipped is not graded.

    Where the student overrules a grade, that is told as a further answer to the same question.
    """

    message_id: UUID
    session_id: UUID
    user_id: UUID
    concept: str
    question: str
    reference_answer: str = Field(description="The sentence of the material that answers")
    grade: int = Field(ge=0, le=5, description="SM-2's quality of a response; below 3 it was not recalled")
    source: RecallSource
    offline: bool = Field(description="No language model took part in the grade")
    graded_at: AwareDatetime | None = Field(None, description="When it was answered; the oldest events do not say")
    card: ProposedCard | None = Field(None, description="Where it was not recalled: the card that would have helped")


class ChatDataErased(DataErased, type="chat.user_data.erased", version=1, aggregate="user_id"):
    """Chat keeps nothing of the user any more."""


class ChatDataExported(DataExported, type="chat.user_data.exported", version=1, aggregate="export_id"):
    """What chat keeps of the user waits to be fetched."""
