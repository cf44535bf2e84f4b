"""Study sessions: ask the material of a course, and get answers whose citations open the page they come from.

An answer comes as JSON, or with `Accept: text/event-stream` as events: `message` (its ids), `token` (`text`), `citations`, `done` (the
whole message), `error` (a problem document). A failure before the first word is a plain problem document. What failed can be
asked for again with `POST /chat/messages/{id}/retry`; the question is kept. A stream that broke off, and an answer that another tab asked
for, is followed with `GET /chat/messages/{id}/stream`.
"""

from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis.clock import Clock
from chassis.database import SessionDep
from chassis.idempotency import IdempotencyDep, IdempotencyKey
from chassis.identity import CurrentUser, VerifiedUser
from chassis.paging import Page, PageDep
from chassis.personal_data import export_router
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from chat import listing
from chat.asking import AskingDep
from chat.conversation import Conversation
from chat.graphql.edge import router as graphql_router
from chat.limits import BODY_BYTES, BoundedRoute
from chat.news import Place
from chat.openings import NewExplanation, NewPractice
from chat.proposing import ProposingDep
from chat.schemas import (
    FeedbackOut,
    MessageOut,
    NewFeedback,
    NewFlashcards,
    NewMessage,
    NewSession,
    Order,
    ProposalOut,
    SessionOut,
    SpendingOut,
    SpentOut,
)
from chat.sessions import Sessions
from chat.spending import Period, Spending
from chat.streaming import EVENT_STREAM

router = APIRouter(prefix="/chat", tags=["chat"], route_class=BoundedRoute)
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer as it comes, with `Accept: text/event-stream`",
        "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
    },
    201: {"description": "The whole answer", "model": MessageOut},
}
_ASKING: dict[str, Any] = {"x-rate-limit": "ai", "x-timeout": 180}
_UTC = ZoneInfo("UTC")
_LIMIT = {"x-body-limit": BODY_BYTES}


async def _clock(request: Request) -> Clock:
    clock: Clock = request.app.state.clock
    return clock


ClockDep = Annotated[Clock, Depends(_clock)]


@router.post(
    "/sessions",
    status_code=201,
    responses={201: {"model": SessionOut}},
    response_model=None,
    openapi_extra=_LIMIT,
)
async def start_session(
    body: NewSession, user: VerifiedUser, session: SessionDep, once: IdempotencyDep, clock: ClockDep
) -> Response:
    """Begin to study some documents, or everything."""
    if (earlier := await once.replay(body)) is not None:
        return earlier
    started = await Sessions(session, user.id).start(
        body.mode, body.title, body.document_ids, clock(), questions=body.questions
    )
    shown = (await listing.shown(session, user, [started]))[0]
    await once.remember(shown, 201)
    return JSONResponse(shown.model_dump(mode="json"), status_code=201)


@router.get("/sessions")
async def list_sessions(user: CurrentUser, session: SessionDep, page: PageDep) -> Page[SessionOut]:
    """The student's sessions, the last used first."""
    return await listing.sessions(session, user, page)


@router.get("/sessions/{session_id}")
async def get_session(session_id: UUID, user: CurrentUser, session: SessionDep) -> SessionOut:
    """One session."""
    found = await Sessions(session, user.id).get(session_id)
    return (await listing.shown(session, user, [found]))[0]


@router.delete("/sessions/{session_id}", status_code=204)
async def delete_session(session_id: UUID, user: CurrentUser, session: SessionDep) -> None:
    """Delete a session with everything that was said in it."""
    await Sessions(session, user.id).delete(session_id)


@router.get("/sessions/{session_id}/messages")
async def list_messages(
    session_id: UUID,
    user: CurrentUser,
    session: SessionDep,
    page: PageDep,
    order: Annotated[Order, Query(description="Which come first")] = "oldest",
) -> Page[MessageOut]:
    """What was said in a session."""
    return await listing.messages(session, user, session_id, page, order)


@router.post(
    "/sessions/{session_id}/messages",
    status_code=201,
    responses=_ANSWER,
    response_model=None,
    openapi_extra=_ASKING | _LIMIT,
)
async def ask(
    session_id: UUID, body: NewMessage, asking: AskingDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Ask the tutor."""
    return await asking.ask(session_id, body, idempotency_key)


@router.post("/explain", status_code=201, responses=_ANSWER, response_model=None, openapi_extra=_ASKING | _LIMIT)
async def explain(body: NewExplanation, asking: AskingDep, idempotency_key: IdempotencyKey = None) -> Response:
    """Have a concept explained from the material, with citations. It begins a session in which to ask on."""
    return await asking.open(body, idempotency_key)


@router.post("/practice", status_code=201, responses=_ANSWER, response_model=None, openapi_extra=_ASKING | _LIMIT)
async def practise(body: NewPractice, asking: AskingDep, idempotency_key: IdempotencyKey = None) -> Response:
    """Get practice questions on a topic, with their answers and where those stand: `practice` of the message. It begins a
    session in which to ask on."""
    return await asking.open(body, idempotency_key)


@router.post(
    "/sessions/{session_id}/flashcards",
    status_code=201,
    responses={201: {"model": ProposalOut}},
    response_model=None,
    openapi_extra=_ASKING | _LIMIT,
)
async def propose_flashcards_of_session(session_id: UUID, body: NewFlashcards, proposing: ProposingDep) -> Response:
    """Propose cards of what was asked and missed in a session. They wait as drafts; asked again, it proposes others."""
    return await proposing.of_session(session_id, body)


@router.post(
    "/documents/{document_id}/flashcards",
    status_code=201,
    responses={201: {"model": ProposalOut}},
    response_model=None,
    openapi_extra=_ASKING | _LIMIT,
)
async def propose_flashcards_of_document(document_id: UUID, body: NewFlashcards, proposing: ProposingDep) -> Response:
    """Propose cards of a document, from all over it. They wait as drafts; asked again, it proposes others."""
    return await proposing.of_document(document_id, body)


@router.post(
    "/messages/{message_id}/retry",
    status_code=201,
    responses=_ANSWER,
    response_model=None,
    openapi_extra=_ASKING,
)
async def retry_message(message_id: UUID, asking: AskingDep) -> Response:
    """Ask again for an answer that failed, by its id or its question's."""
    return await asking.retry(message_id)


@router.post("/messages/{message_id}/feedback", status_code=200, openapi_extra=_LIMIT)
async def rate_message(
    message_id: UUID, body: NewFeedback, user: CurrentUser, session: SessionDep, clock: ClockDep
) -> FeedbackOut:
    """Say whether an answer helped, by its id or its question's. Said again, it replaces what was said before."""
    rated = await Conversation(session, user.id).rate(
        message_id, helpful=body.helpful, comment=body.comment, now=clock()
    )
    return FeedbackOut.model_validate(rated, from_attributes=True)


@router.get("/messages/{message_id}")
async def get_message(message_id: UUID, asking: AskingDep) -> MessageOut:
    """An answer as far as it is, by its id or its question's."""
    return await asking.show(message_id)


@router.get(
    "/messages/{message_id}/stream",
    responses={
        200: {
            "description": "The events behind `Last-Event-ID`, or all, as they come",
            "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
        },
        204: {"description": "There is nothing behind `Last-Event-ID`: the answer is whole"},
    },
    response_model=None,
    response_class=Response,
)
async def follow_message(
    message_id: UUID,
    asking: AskingDep,
    last_event_id: Annotated[str | None, Header(max_length=100, description="The id of the last event seen")] = None,
) -> Response:
    """Follow an answer, by its id or its question's, from wherever a stream of it was left.

    The events are those of the request that asked, with the same ids, whoever writes them. A retry's begin anew.
    """
    return await asking.follow(message_id, Place.read(last_event_id))


@router.get("/usage")
async def get_usage(
    user: CurrentUser,
    session: SessionDep,
    clock: ClockDep,
    by: Annotated[Period, Query(description="The last 31 days, or the last 12 months")] = Period.DAY,
    time_zone: Annotated[ZoneInfo, Query(description="Whose days these are, such as Europe/Berlin")] = _UTC,
) -> SpendingOut:
    """Tokens and cost of the student's answers and proposed cards, summed up for each model. Those of deleted sessions are gone."""
    spent = await Spending(session, user.id).by(by, time_zone, clock())
    return SpendingOut(items=[SpentOut.model_validate(item, from_attributes=True) for item in spent])


routers = (router, graphql_router, export_router("chat"))
