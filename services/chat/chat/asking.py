"""One request's way from a question to its answer, in the form that its client wants."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database, DatabaseDep
from chassis.idempotency import idempotency_for
from chassis.identity import CurrentUser, User, require_verified_email
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response

from chat.answering import Answers
from chat.conversation import Conversation
from chat.following import Following
from chat.models import Status
from chat.news import Place
from chat.openings import NewExplanation, NewPractice
from chat.schemas import BegunAnswer, MessageOut, NewMessage, message_out
from chat.sessions import Sessions
from chat.streaming import REPLAYED, events, replay, respond, wants_events
from chat.studying import Asked


@dataclass(frozen=True, slots=True)
class Asking:
    """A student who asks. Its transactions are short, and none is open while an answer is waited for."""

    user: User
    request: Request
    database: Database
    stream: bool

    async def ask(self, session_id: UUID, message: NewMessage, key: str | None) -> Response:
        """Keep the question and answer it. A repetition with the same key gets the answer that the first request began."""

        async def begin(session: AsyncSession) -> Asked:
            conversation = Conversation(session, self.user.id)
            return await conversation.ask(
                session_id, message.content, self._clock(), self._answers.lease, message.intent
            )

        return await self._once(begin, message, key)

    async def open(self, body: NewExplanation | NewPractice, key: str | None) -> Response:
        """Begin a session with its first message, and answer that."""

        async def begin(session: AsyncSession) -> Asked:
            first, now = body.opening, self._clock()
            started = await Sessions(session, self.user.id).start("tutor", first.title, first.documents, now)
            conversation = Conversation(session, self.user.id)
            return await conversation.ask(
                started.id, first.content, now, self._answers.lease, first.intent, wanted=first.wanted
            )

        return await self._once(begin, body, key)

    async def _once(
        self, begin: Callable[[AsyncSession], Awaitable[Asked]], body: BaseModel, key: str | None
    ) -> Response:
        require_verified_email(self.request, self.user)
        self._answers.expect_room()
        async with self.database.transaction() as session:
            once = idempotency_for(self.request, session, self.user.id, key)
            earlier = await once.replay(body)
            if earlier is None:
                asked = await begin(session)
                self._answers.expect_intent(asked)
                await once.remember(BegunAnswer(answer_id=asked.answer_id, question_id=asked.question_id))
        if earlier is not None:
            return await self._again(BegunAnswer.model_validate(json.loads(bytes(earlier.body))).answer_id)
        return await self._answer(asked)

    async def retry(self, message_id: UUID) -> Response:
        """Answer a question whose answer failed."""
        require_verified_email(self.request, self.user)
        self._answers.expect_room()
        async with self.database.transaction() as session:
            asked = await Conversation(session, self.user.id).retry(message_id, self._clock(), self._answers.lease)
        return await self._answer(asked)

    async def show(self, message_id: UUID) -> MessageOut:
        """The answer as it is now."""
        known = await self._following.find(self.user.id, message_id)
        return message_out(known.message, known.gone)

    async def follow(self, message_id: UUID, place: Place | None) -> Response:
        """Follow an answer from a place; nothing where its reader has all of it."""
        known = await self._following.find(self.user.id, message_id)
        if place is not None and known.is_whole_at(place):
            return Response(status_code=204)
        answer_id = known.message.id
        return events(answer_id, self._following.follow(self.user.id, answer_id, place))

    async def _answer(self, asked: Asked) -> Response:
        live = self._answers.begin(asked, self.user.token)
        return await respond(live, self.request, stream=self.stream, opening=self.request.app.state.opening_seconds)

    async def _again(self, answer_id: UUID) -> Response:
        """The answer that an earlier request began, wherever it is written; one that failed is tried again."""
        if (live := self._answers.live(answer_id)) is not None:
            return await respond(live, self.request, stream=self.stream, opening=self.request.app.state.opening_seconds)
        known = await self._following.find(self.user.id, answer_id)
        if not known.is_over:
            if self.stream:
                return events(answer_id, self._following.follow(self.user.id, answer_id), REPLAYED)
            known = await self._following.end(self.user.id, answer_id)
        if known.message.status == Status.FAILED:
            return await self.retry(answer_id)
        return replay(known, stream=self.stream)

    @property
    def _following(self) -> Following:
        following: Following = self.request.app.state.following
        return following

    @property
    def _answers(self) -> Answers:
        answers: Answers = self.request.app.state.answers
        return answers

    @property
    def _clock(self) -> Clock:
        clock: Clock = self.request.app.state.clock
        return clock


async def _asking(
    request: Request,
    user: CurrentUser,
    database: DatabaseDep,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Asking:
    return Asking(user, request, database, wants_events(accept))


AskingDep = Annotated[Asking, Depends(_asking)]
