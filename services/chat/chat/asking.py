"""One request's way from a question to its answer, in the form that its client wants."""

import json
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database, DatabaseDep
from chassis.idempotency import idempotency_for
from chassis.identity import User, VerifiedUser
from fastapi import Depends, Header, Request
from starlette.responses import Response

from chat.answering import Answers
from chat.conversation import AnswerInProgress, Conversation
from chat.models import Status
from chat.schemas import BegunAnswer, NewMessage, cited_documents, message_out
from chat.shelf import StudentShelf
from chat.streaming import replay, respond, wants_events
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
        self._answers.expect_room()
        async with self.database.transaction() as session:
            once = idempotency_for(self.request, session, self.user.id, key)
            earlier = await once.replay(message)
            if earlier is None:
                conversation = Conversation(session, self.user.id)
                asked = await conversation.ask(
                    session_id, message.content, self._clock(), self._answers.lease, message.intent
                )
                self._answers.expect_intent(asked)
                await once.remember(BegunAnswer(answer_id=asked.answer_id, question_id=asked.question_id))
        if earlier is not None:
            return await self._again(BegunAnswer.model_validate(json.loads(bytes(earlier.body))).answer_id)
        return await self._answer(asked)

    async def retry(self, message_id: UUID) -> Response:
        """Answer a question whose answer failed."""
        self._answers.expect_room()
        async with self.database.transaction() as session:
            asked = await Conversation(session, self.user.id).retry(message_id, self._clock(), self._answers.lease)
        return await self._answer(asked)

    async def _answer(self, asked: Asked) -> Response:
        live = self._answers.begin(asked, self.user.token)
        return await respond(live, stream=self.stream, opening=self.request.app.state.opening_seconds)

    async def _again(self, answer_id: UUID) -> Response:
        """The answer that an earlier request began, in whatever state it is; one that failed is tried again."""
        if (live := self._answers.live(answer_id)) is not None:
            return await respond(live, stream=self.stream, opening=self.request.app.state.opening_seconds)
        async with self.database.transaction() as session:
            message = await Conversation(session, self.user.id).answer(answer_id)
            gone = await StudentShelf(session, self.user.id).gone(cited_documents([message]))
        if message.status == Status.FAILED:
            return await self.retry(answer_id)
        if message.status == Status.ANSWERING:
            raise AnswerInProgress("This answer is still being written. Ask for the session's messages in a moment.")
        return replay(message, message_out(message, gone), stream=self.stream)

    @property
    def _answers(self) -> Answers:
        answers: Answers = self.request.app.state.answers
        return answers

    @property
    def _clock(self) -> Clock:
        clock: Clock = self.request.app.state.clock
        return clock


def _asking(
    request: Request,
    user: VerifiedUser,
    database: DatabaseDep,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Asking:
    return Asking(user, request, database, wants_events(accept))


AskingDep = Annotated[Asking, Depends(_asking)]
