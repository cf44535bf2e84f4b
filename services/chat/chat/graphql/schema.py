"""The GraphQL schema: queries, mutations, and streams of answers."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

import strawberry
from chassis.errors import NotFound
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, Info

from chat import listing
from chat.conversation import NoSuchMessage
from chat.graphql.bounds import Bounded
from chat.graphql.failures import Failures
from chat.graphql.paging import DEFAULT_PAGE, page_request
from chat.graphql.student import Student, valid, whole
from chat.graphql.types import (
    EVENTS,
    AnswerEvent,
    ChatResponse,
    Message,
    MessagePage,
    Mode,
    Session,
    SessionPage,
    event,
)
from chat.models import Intent
from chat.news import News, Place
from chat.schemas import NewSession, message_out
from chat.sessions import NoSuchSession, Sessions

Context = Info[Student, None]
First = Annotated[int, strawberry.argument(description="How many, 100 at most")]
After = Annotated[str | None, strawberry.argument(description="The `endCursor` of the page before")]
Newest = Annotated[bool, strawberry.argument(description="Whether the newest come first")]
Asked = Annotated[str, strawberry.argument(description="The question; may be empty where `intent` says enough")]
Wanted = Annotated[Intent | None, strawberry.argument(description="What the message wants, beside its words")]
LastEvent = Annotated[str | None, strawberry.argument(description="The `eventId` of the last event seen")]


async def _chat(info: Context, session_id: strawberry.ID, message: Asked, intent: Wanted = None) -> ChatResponse:
    live = await info.context.asks(_session(session_id), {"content": message, "intent": intent})
    return ChatResponse.of(await whole(live, info.context))


@strawberry.type
class Query:
    """What there is."""

    chat: ChatResponse = strawberry.field(resolver=_chat, description="Ask, and wait for the whole answer")

    @strawberry.field(description="The student's sessions, the last used first")
    async def sessions(self, info: Context, first: First = DEFAULT_PAGE, after: After = None) -> SessionPage:
        async with info.context.transaction() as session:
            page = await listing.sessions(session, info.context.known, page_request(first, after))
        return SessionPage.of(page)

    @strawberry.field(description="One session")
    async def session(self, info: Context, id: strawberry.ID) -> Session:  # noqa: A002
        user = info.context.known
        async with info.context.transaction() as session:
            found = await Sessions(session, user.id).get(_session(id))
            (shown,) = await listing.shown(session, user, [found])
        return Session.of(shown)

    @strawberry.field(description="What was said in a session")
    async def messages(
        self,
        info: Context,
        session_id: strawberry.ID,
        first: First = DEFAULT_PAGE,
        after: After = None,
        newest_first: Newest = False,
    ) -> MessagePage:
        order: Any = "newest" if newest_first else "oldest"
        page = page_request(first, after)
        async with info.context.transaction() as session:
            said = await listing.messages(session, info.context.known, _session(session_id), page, order)
        return MessagePage.of(said)

    @strawberry.field(description="An answer as far as it is, by its id or its question's")
    async def message(self, info: Context, id: strawberry.ID) -> Message:  # noqa: A002
        known = await info.context.desk.following.find(info.context.known.id, _message(id))
        return Message.of(message_out(known.message, known.gone))


@strawberry.type
class Mutation:
    """What changes something."""

    chat: ChatResponse = strawberry.field(resolver=_chat, description="Ask, and wait for the whole answer")

    @strawberry.mutation(description="Begin to study some documents, or everything of the student's")
    async def start_session(
        self,
        info: Context,
        mode: Mode,
        document_ids: list[strawberry.ID] = [],  # noqa: B006
        title: str | None = None,
        questions: int | None = None,
    ) -> Session:
        student = info.context
        wanted = valid(NewSession, mode=mode.value, document_ids=document_ids, title=title, questions=questions)
        student.desk.expect_verified(student.known)
        async with student.transaction() as session:
            now = student.desk.clock()
            started = await Sessions(session, student.known.id).start(
                wanted.mode, wanted.title, wanted.document_ids, now, questions=wanted.questions
            )
            (shown,) = await listing.shown(session, student.known, [started])
        return Session.of(shown)

    @strawberry.mutation(description="Delete a session with everything that was said in it; gives its id")
    async def delete_session(self, info: Context, id: strawberry.ID) -> strawberry.ID:  # noqa: A002
        async with info.context.transaction() as session:
            await Sessions(session, info.context.known.id).delete(_session(id))
        return id

    @strawberry.mutation(description="Ask again for an answer that failed, by its id or its question's")
    async def retry(self, info: Context, message_id: strawberry.ID) -> ChatResponse:
        live = await info.context.retries(_message(message_id))
        return ChatResponse.of(await whole(live, info.context))


@strawberry.type
class Subscription:
    """Answers as they are written, over a WebSocket (graphql-transport-ws)."""

    @strawberry.subscription(description="Ask, and see the answer come. Leaving does not cancel it")
    async def chat(
        self, info: Context, session_id: strawberry.ID, message: Asked, intent: Wanted = None
    ) -> AsyncGenerator[AnswerEvent]:
        live = await info.context.asks(_session(session_id), {"content": message, "intent": intent})
        async with aclosing(_told(live.asked.answer_id, live.follow())) as told:
            async for item in told:
                yield item

    @strawberry.subscription(description="Follow an answer, by its id or its question's, from wherever it was left")
    async def answer(
        self, info: Context, message_id: strawberry.ID, last_event_id: LastEvent = None
    ) -> AsyncGenerator[AnswerEvent]:
        known = await info.context.desk.following.find(info.context.known.id, _message(message_id))
        student, answer_id = info.context, known.message.id
        news = student.desk.following.follow(student.known.id, answer_id, Place.read(last_event_id))
        async with aclosing(_told(answer_id, news)) as told:
            async for item in told:
                yield item


async def _told(answer_id: UUID, news: AsyncGenerator[News | None]) -> AsyncGenerator[AnswerEvent]:
    async with aclosing(news):
        async for item in news:
            if item is not None:
                yield event(str(answer_id), item)


def _session(written: str) -> UUID:
    return _uuid(written, NoSuchSession("There is no such study session of yours. The query `sessions` lists them."))


def _message(written: str) -> UUID:
    return _uuid(written, NoSuchMessage("There is no such message of yours."))


def _uuid(written: str, missing: NotFound) -> UUID:
    try:
        return UUID(written)
    except ValueError:
        raise missing from None


class ChatSchema(strawberry.Schema):
    """Logs nothing by itself: `Failures` tells what is ours from what is the client's."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """See `Failures`."""


SCHEMA = ChatSchema(
    Query,
    Mutation,
    Subscription,
    types=EVENTS,
    extensions=[Failures, Bounded],
    config=StrawberryConfig(),
)
