"""The student behind a GraphQL operation, and what resolvers may do for one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import Invalid, Unauthorized
from chassis.identity import User
from pydantic import BaseModel, ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from chat.answering import Answers
from chat.conversation import Conversation
from chat.following import Following
from chat.live_answers import LiveAnswer
from chat.schemas import MessageOut, NewMessage, message_out

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Desk:
    """What every operation stands on."""

    database: Database
    answers: Answers
    following: Following
    clock: Clock
    expect_verified: Callable[[User], None]
    """Raises a `Problem` where this service asks for a verified address that the user has not."""
    introspection: bool = True


@dataclass
class Student:
    """The context of an operation, or of a WebSocket: `user` is None until it has said who it is.

    The root fields of a query are resolved at once; they take turns at the database, so that a request holds one connection.
    """

    desk: Desk
    user: User | None = None
    connection_params: dict[str, Any] | None = None
    leaves: Callable[[], Awaitable[object]] = field(default=lambda: asyncio.Event().wait())
    """Returns when who asked is gone; of a WebSocket the operations end with it."""
    _turns: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def known(self) -> User:
        """Raises `Unauthorized` before anybody has signed in."""
        if self.user is None:
            raise Unauthorized("Send a ticket with connection_init: POST /ws/ticket gives one.")
        return self.user

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A short one."""
        async with self._turns, self.desk.database.transaction() as session:
            yield session

    async def asks(self, session_id: UUID, message: dict[str, Any]) -> LiveAnswer:
        """Keep a question, and begin to answer it."""
        user, desk = self.known, self.desk
        said = valid(NewMessage, **message)
        desk.expect_verified(user)
        desk.answers.expect_room()
        async with self.transaction() as session:
            conversation = Conversation(session, user.id)
            asked = await conversation.ask(session_id, said.content, desk.clock(), desk.answers.lease, said.intent)
            desk.answers.expect_intent(asked)
        return desk.answers.begin(asked, user.token)

    async def retries(self, message_id: UUID) -> LiveAnswer:
        """Take up a failed answer again."""
        user, desk = self.known, self.desk
        desk.expect_verified(user)
        desk.answers.expect_room()
        async with self.transaction() as session:
            asked = await Conversation(session, user.id).retry(message_id, desk.clock(), desk.answers.lease)
        return desk.answers.begin(asked, user.token)


async def whole(live: LiveAnswer, student: Student) -> MessageOut:
    """The answer once it is there. Raises the `Problem` of one that failed."""
    await live.finish(student.leaves)
    if live.problem is not None:
        raise live.problem
    assert live.message is not None
    return message_out(live.message)


def valid(model: type[M], **values: Any) -> M:
    """The values as a model; raises `Invalid` with a sentence."""
    try:
        return model(**values)
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'message'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()[:5]
        )
        raise Invalid(f"{said}. Correct it and send it again.") from error
