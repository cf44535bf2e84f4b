"""What chat shows over GraphQL: the same as over REST, in camelCase."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

import strawberry
from chassis.paging import Page
from pydantic import BaseModel

from chat import schemas
from chat.graphql.assessments import Assessment
from chat.models import Intent, Role, Status
from chat.news import News

for _enum in (Role, Status, Intent):
    strawberry.enum(_enum)


@strawberry.enum(description="A way to study")
class Mode(StrEnum):
    TUTOR = "tutor"
    ACTIVE_RECALL = "active_recall"
    FEYNMAN = "feynman"


def _shown(kind: type[Any], shown: BaseModel, **special: Any) -> Any:
    """A type's value from a REST model that has fields of the same names."""
    names = [field.python_name for field in kind.__strawberry_definition__.fields]
    values = {name: special.get(name, getattr(shown, name, None)) for name in names}
    return kind(**{name: str(value) if isinstance(value, UUID) else value for name, value in values.items()})


@strawberry.type(description="A document that a session is about; `title` is null when it is no longer there")
class StudiedDocument:
    id: strawberry.ID
    title: str | None
    available: bool


@strawberry.type(description="A study session")
class Session:
    id: strawberry.ID
    mode: Mode
    title: str | None
    documents: list[StudiedDocument]
    message_count: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, shown: schemas.SessionOut) -> Self:
        documents = [_shown(StudiedDocument, document) for document in shown.documents]
        session: Self = _shown(cls, shown, mode=Mode(shown.mode), documents=documents, message_count=shown.messages)
        return session


@strawberry.type(description="A passage that an answer rests on: `[1]` in its text is the citation with `marker` 1")
class Citation:
    marker: int
    passage_id: strawberry.ID
    document_id: strawberry.ID
    document_title: str
    page: int | None
    part: int
    quote: str
    start: int
    end: int
    available: bool


@strawberry.type(description="Tokens that an answer cost")
class Usage:
    input_tokens: int
    output_tokens: int
    estimated: bool
    cost_usd: Decimal | None = strawberry.field(description="US dollars; null where the price is not known")


@strawberry.type(description="Why there is no answer; the mutation `retry` asks for it again")
class AnswerError:
    type: str
    detail: str


@strawberry.type(description="A message of either side. A tutor's is ANSWERING until it is DONE or has FAILED")
class Message:
    id: strawberry.ID
    session_id: strawberry.ID
    role: Role
    status: Status
    content: str = strawberry.field(description="Markdown; `[1]` refers to the citation with that marker")
    intent: Intent | None
    created_at: datetime
    finished_at: datetime | None
    reply_to: strawberry.ID | None = strawberry.field(description="The question that a tutor's message answers")
    citations: list[Citation]
    grounded: bool | None
    offline: bool | None
    model: str | None
    usage: Usage | None
    error: AnswerError | None
    attempts: int | None
    assessment: Assessment | None = strawberry.field(description="In the mode FEYNMAN: what an explanation is worth")

    @classmethod
    def of(cls, shown: schemas.MessageOut) -> Self:
        message: Self = _shown(
            cls,
            shown,
            citations=[_shown(Citation, citation) for citation in shown.citations],
            usage=shown.usage and _shown(Usage, shown.usage),
            error=shown.error and _shown(AnswerError, shown.error),
            assessment=shown.assessment and Assessment.of(shown.assessment),
        )
        return message


@strawberry.type(description="An answer and the question that it answers")
class ChatResponse:
    session_id: strawberry.ID
    question_id: strawberry.ID
    answer: Message

    @classmethod
    def of(cls, shown: schemas.MessageOut) -> Self:
        return cls(
            session_id=strawberry.ID(str(shown.session_id)),
            question_id=strawberry.ID(str(shown.reply_to)),
            answer=Message.of(shown),
        )


@strawberry.type(description="A page of sessions; `endCursor` is null on the last")
class SessionPage:
    items: list[Session]
    end_cursor: str | None

    @classmethod
    def of(cls, page: Page[schemas.SessionOut]) -> Self:
        return cls(items=[Session.of(item) for item in page.items], end_cursor=page.next_cursor)


@strawberry.type(description="A page of messages; `endCursor` is null on the last")
class MessagePage:
    items: list[Message]
    end_cursor: str | None

    @classmethod
    def of(cls, page: Page[schemas.MessageOut]) -> Self:
        return cls(items=[Message.of(item) for item in page.items], end_cursor=page.next_cursor)


@strawberry.interface(description="What is told of an answer that is being written. `eventId` says from where to go on")
class AnswerEvent:
    event_id: strawberry.ID


@strawberry.type(description="An attempt begins: what was told of an earlier one is void")
class AnswerBegun(AnswerEvent):
    message_id: strawberry.ID
    session_id: strawberry.ID
    question_id: strawberry.ID
    attempt: int


@strawberry.type(description="Some more of the text")
class AnswerToken(AnswerEvent):
    text: str


@strawberry.type(description="What the text rests on")
class AnswerCitations(AnswerEvent):
    citations: list[Citation]


@strawberry.type(description="The answer is whole")
class AnswerDone(AnswerEvent):
    message: Message


@strawberry.type(description="There is no answer, or only its beginning; `type` is that of a problem document")
class AnswerFailed(AnswerEvent):
    type: str
    title: str
    detail: str
    message_id: strawberry.ID


EVENTS: Sequence[type[AnswerEvent]] = (AnswerBegun, AnswerToken, AnswerCitations, AnswerDone, AnswerFailed)


def event(message_id: str, news: News) -> AnswerEvent:
    """One event of an answer."""
    data = news.data
    at = strawberry.ID(f"{message_id}.{news.attempt}.{news.number}")
    match news.name:
        case "message":
            return AnswerBegun(
                event_id=at,
                message_id=data["id"],
                session_id=data["session_id"],
                question_id=data["question_id"],
                attempt=news.attempt,
            )
        case "token":
            return AnswerToken(event_id=at, text=data["text"])
        case "citations":
            citations = [schemas.CitationOut.model_validate(citation) for citation in data["citations"]]
            return AnswerCitations(event_id=at, citations=[_shown(Citation, citation) for citation in citations])
        case "done":
            return AnswerDone(event_id=at, message=Message.of(schemas.MessageOut.model_validate(data)))
    failure = {name: str(data.get(name, "")) for name in ("type", "title", "detail")}
    return AnswerFailed(event_id=at, message_id=strawberry.ID(message_id), **failure)
