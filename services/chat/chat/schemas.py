"""What chat takes and shows over HTTP."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from contracts.chat import Mode
from pydantic import AfterValidator, BaseModel, Field, PlainSerializer, field_validator, model_validator

from chat.assessment import Assessment
from chat.citations import Citation
from chat.limits import MOST_CHARACTERS
from chat.models import Intent, Message, Proposal, Role, Status, StudySession
from chat.practice.exercises import PracticeSet
from chat.recall.turns import QuizTurn, RecallTurn

LONGEST_TITLE = 200
LONGEST_COMMENT = 2000
_MOST_DOCUMENTS = 100
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_INVISIBLE = frozenset(("Cf", "Cc", "Zs", "Zl", "Zp", "Mn", "Cn"))

_SHOWN = ("id", "session_id", "role", "status", "content", "intent", "created_at", "finished_at", "reply_to", "model")
_WORDLESS = frozenset((Intent.START, Intent.HINT, Intent.SKIP, Intent.FINISH, Intent.RIGHT, Intent.WRONG))
Order = Literal["oldest", "newest"]
# A decimal fraction is no float; and `1E-7` is no number that every client reads.
Dollars = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount.normalize():f}", return_type=str)]


def plain_text(text: str) -> str:
    """The text as it is kept: `\\n` between lines, nothing around it. Raises `ValueError` for control characters, or emptiness."""
    text = re.sub(r"\r\n?|[\x0b\x0c\u2028\u2029]", "\n", text)
    if found := _CONTROL.search(text):
        raise ValueError(f"has a control character (U+{ord(found.group()):04X} at position {found.start()}); remove it")
    text = text.strip()
    if all(unicodedata.category(character) in _INVISIBLE for character in text):
        raise ValueError("is empty; write something")
    return text


def one_line(text: str) -> str:
    """A title: plain text on one line."""
    return " ".join(plain_text(text).split())


Chosen = Annotated[
    list[UUID], Field(max_length=_MOST_DOCUMENTS, description="What to study; none: everything of the student's")
]


class NewSession(BaseModel):
    """The body of `POST /chat/sessions`."""

    mode: Mode
    document_ids: Chosen = Field(default=[])
    title: Annotated[str, Field(max_length=LONGEST_TITLE), AfterValidator(one_line)] | None = Field(
        None, description="Unset, the first question becomes the title; in the mode `feynman` it names the concept"
    )

    questions: int | None = Field(
        None,
        ge=1,
        le=50,
        description="In the mode `active_recall`: how many questions a quiz has; unset, the service's own choice",
    )

    @model_validator(mode="after")
    def _questions_of_a_quiz(self) -> Self:
        if self.questions is not None and self.mode != "active_recall":
            raise ValueError("questions is for the mode active_recall alone; leave it out")
        return self


class NewMessage(BaseModel):
    """The body of `POST /chat/sessions/{id}/messages`."""

    content: Annotated[str, Field(max_length=MOST_CHARACTERS)] = Field(
        default="", description="May be left out with the intents start, hint, skip, finish, right and wrong"
    )
    intent: Intent | None = Field(
        None,
        description="What the message wants, as a button says it; each mode has its own. The tutor knows "
        "`practice`: questions about the topic that `content` names; a quiz knows `right` and `wrong`: the student's own word on the "
        "last answer, which counts instead of its grade",
    )

    @field_validator("content")
    @classmethod
    def _plain(cls, content: str) -> str:
        return plain_text(content) if content.strip() else ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.content and self.intent not in _WORDLESS:
            raise ValueError("content is empty; write something")
        return self


class StudiedDocument(BaseModel):
    """A document that a session is about. `title` is null when it is no longer there."""

    id: UUID
    title: str | None
    available: bool


class SessionOut(BaseModel):
    """A study session."""

    id: UUID
    mode: Mode
    title: str | None
    documents: list[StudiedDocument] = Field(description="What is studied; none: everything of the student's")
    messages: int
    created_at: datetime
    updated_at: datetime


class CitationOut(Citation):
    """A passage that an answer rests on: `[1]` in the answer's text is the citation with `marker` 1."""

    available: bool = Field(description="Whether the document is still there to be opened")


class UsageOut(BaseModel):
    """Tokens that an answer cost; `estimated` where the provider did not count them."""

    input_tokens: int
    output_tokens: int
    estimated: bool
    cost_usd: Dollars | None = Field(None, description="US dollars; null where the price is not known")


class SpentOut(BaseModel):
    """What one model's answers and proposed cards cost in a day or a month."""

    begins: date = Field(description="The day, or the first of the month")
    model: str | None = Field(description="Null: no language model took part")
    answers: int
    input_tokens: int = Field(description="Of answers and of proposed cards")
    output_tokens: int
    cost_usd: Dollars = Field(description="US dollars, without that whose price is not known")
    unpriced: int = Field(description="Answers and proposals whose price is not known")


class SpendingOut(BaseModel):
    """The student's usage, the latest first."""

    items: list[SpentOut]


class AssessmentOut(Assessment, frozen=True):
    """An explanation, assessed. `attempt` is 0 where nothing was: an invitation, a hint without one before."""


class FeedbackOut(BaseModel):
    """What a student thinks of an answer, as it was said last."""

    helpful: bool
    comment: str | None
    rated_at: datetime


class ErrorOut(BaseModel):
    """Why there is no answer. `POST /chat/messages/{id}/retry` asks for it again."""

    type: str
    detail: str


class MessageOut(BaseModel):
    """A message of either side. A tutor's message is `answering` until it is `done` or has `failed`."""

    id: UUID
    session_id: UUID
    role: Role
    status: Status
    content: str = Field(description="Markdown; `[1]` refers to the citation with that marker")
    intent: Intent | None = Field(None, description="What a student's message wanted, beside its words")
    created_at: datetime
    finished_at: datetime | None = None
    reply_to: UUID | None = Field(None, description="The question that a tutor's message answers")
    citations: list[CitationOut] = []
    grounded: bool | None = Field(None, description="Whether the answer rests on the material; null until it is done")
    offline: bool | None = Field(
        None, description="Whether it was written without a language model; null until it is done"
    )
    model: str | None = None
    usage: UsageOut | None = None
    error: ErrorOut | None = None
    attempts: int | None = Field(None, description="How often an answer was begun")
    recall: RecallTurn | None = Field(
        None, description="In the mode `active_recall`: what was graded, and the question that is open"
    )
    assessment: AssessmentOut | None = Field(None, description="In the mode `feynman`: what an explanation is worth")
    practice: PracticeSet | None = Field(
        None, description="With the intent `practice`: the questions and their answers"
    )
    feedback: FeedbackOut | None = Field(None, description="What the student thinks of the answer")


class NewFlashcards(BaseModel):
    """The body of `POST /chat/documents/{id}/flashcards` and `POST /chat/sessions/{id}/flashcards`."""

    count: int = Field(10, ge=1, le=30, description="How many cards at most; fewer where no more are worth keeping")


class CardSourceOut(BaseModel):
    """Where a card's answer stands."""

    document_id: UUID
    document_title: str
    page: int | None
    part: int = Field(description="What `GET /documents/{id}/pages/{part}` opens; where there are pages, the page")
    quote: str


class ProposedCardOut(BaseModel):
    """A card that is proposed. A `cloze` has `{{c1::…}}` around what it hides in its question, and no answer."""

    kind: Literal["basic", "cloze"]
    question: str
    answer: str
    source: CardSourceOut


class ProposalOut(BaseModel):
    """Proposed cards. A moment later `GET /flashcards/drafts?proposal_id=…` lists those of them that the student does not have
    yet, to accept, edit or reject."""

    id: UUID
    session_id: UUID | None
    document_id: UUID | None
    cards: list[ProposedCardOut] = Field(description="In the order of the pages")
    offline: bool = Field(description="No language model took part: the cards are in the material's own sentences")
    model: str | None
    usage: UsageOut
    created_at: datetime


class NewFeedback(BaseModel):
    """The body of `POST /chat/messages/{id}/feedback`."""

    helpful: bool
    comment: Annotated[str, Field(max_length=LONGEST_COMMENT), AfterValidator(plain_text)] | None = None


class BegunAnswer(BaseModel):
    """The ids that a question and its answer have from the start; kept for a repeated request."""

    answer_id: UUID
    question_id: UUID


def session_out(session: StudySession, titles: Mapping[UUID, str]) -> SessionOut:
    """A session with the titles of its documents, as far as they are there."""
    documents = [
        StudiedDocument(id=document, title=titles.get(document), available=document in titles)
        for document in session.document_ids
    ]
    return SessionOut.model_validate(session.model_dump() | {"documents": documents})


def cited_documents(messages: Sequence[Message]) -> set[UUID]:
    """The documents that these messages cite."""
    return {UUID(citation["document_id"]) for message in messages for citation in message.citations}


def message_out(message: Message, gone: Collection[UUID] = ()) -> MessageOut:
    """A message. `gone` are cited documents that were deleted."""
    shown: dict[str, Any] = {name: getattr(message, name) for name in _SHOWN} | (message.details or {})
    if (kept := shown.get(QuizTurn.shown_as)) is not None:
        shown[QuizTurn.shown_as] = RecallTurn.of(QuizTurn.model_validate(kept))
    if message.role == Role.TUTOR:
        shown["attempts"] = message.attempts
        shown["citations"] = [
            citation | {"available": UUID(citation["document_id"]) not in gone} for citation in message.citations
        ]
    if message.rated_at is not None:
        shown["feedback"] = {"helpful": message.helpful, "comment": message.comment, "rated_at": message.rated_at}
    if message.status == Status.FAILED:
        shown["error"] = {"type": message.error_type, "detail": message.error_detail}
    if message.input_tokens is not None and message.status == Status.DONE:
        shown["grounded"] = bool(message.citations)
        shown["offline"] = message.model is None
        shown["usage"] = {
            "input_tokens": message.input_tokens,
            "output_tokens": message.output_tokens,
            "estimated": message.tokens_estimated,
            "cost_usd": message.cost,
        }
    return MessageOut.model_validate(shown)


def proposal_out(proposal: Proposal) -> ProposalOut:
    """A proposal as it is shown."""
    usage = {
        "input_tokens": proposal.input_tokens,
        "output_tokens": proposal.output_tokens,
        "estimated": proposal.tokens_estimated,
        "cost_usd": proposal.cost,
    }
    cards = [{**card, "source": card} for card in proposal.cards]
    shown = proposal.model_dump() | {"cards": cards, "usage": usage, "offline": proposal.model is None}
    return ProposalOut.model_validate(shown)
