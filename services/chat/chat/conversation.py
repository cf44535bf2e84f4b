"""A session's questions and answers as rows: asked, answered, failed, asked again. Each method is one short transaction's work."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from chassis.errors import Conflict, NotFound, Problem, Unavailable
from contracts.chat import Mode
from mesh import Outbox
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from chat import facts
from chat.memory import Exchange, without_markers
from chat.models import Intent, Message, Role, Status, StudySession
from chat.sessions import Sessions
from chat.studying import Answered, Asked

# An answer to the first question of a quiz names no session.
_NAMING = (None, Intent.START, Intent.EXPLAIN, Intent.PRACTICE)
# Elsewhere a turn builds on the one before, and an old one cannot be taken up behind a newer.
_ANY_ORDER = ("tutor",)
_REMEMBERED = 20
_KEPT = 400
_LONGEST_TITLE = 80


class AnswerInProgress(Conflict):
    type, title = "answer-in-progress", "An answer is still being written"


class NothingToRetry(Conflict):
    type, title = "nothing-to-retry", "This answer has not failed"


class SessionWentOn(Conflict):
    type, title = "session-went-on", "The session went on without this answer"


class NoSuchMessage(NotFound):
    type, title = "message-not-found", "No such message"


class Interrupted(Unavailable):
    """The process that wrote the answer was stopped or died."""

    type, title = "answer-interrupted", "The answer was interrupted"

    def __init__(self) -> None:
        super().__init__("The answer was interrupted on our side. Ask for it again.")


class Superseded(Conflict):
    type, title = "answer-superseded", "The answer is no longer wanted"


class Conversation:
    """One student's conversations."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def ask(
        self,
        session_id: UUID,
        content: str,
        now: datetime,
        lease: timedelta,
        intent: Intent | None = None,
        *,
        wanted: Mapping[str, Any] | None = None,
    ) -> Asked:
        """Keep a question and make room for its answer. Raises `NoSuchSession`, `AnswerInProgress`."""
        studied = await self._free_session(session_id, now)
        question = Message(
            session_id=session_id,
            user_id=self._owner,
            position=studied.messages + 1,
            role=Role.STUDENT,
            status=Status.DONE,
            content=content,
            intent=intent,
            wanted=dict(wanted) if wanted else None,
            created_at=now,
        )
        answer = Message(
            session_id=session_id,
            user_id=self._owner,
            position=studied.messages + 2,
            role=Role.TUTOR,
            status=Status.ANSWERING,
            reply_to=question.id,
            created_at=now,
        )
        self._session.add_all([question, answer])
        studied.messages += 2
        if intent in _NAMING:
            studied.title = studied.title or title_of(content) or None
        return await self._claim(studied, question, answer, now, lease)

    async def retry(self, message_id: UUID, now: datetime, lease: timedelta) -> Asked:
        """Take up a failed answer again, by its id or its question's. Raises `NoSuchMessage`, `NothingToRetry`,
        `AnswerInProgress`, `SessionWentOn`."""
        answer = await self.answer(message_id)
        studied = await self._free_session(answer.session_id, now)
        await self._session.refresh(answer)
        if answer.status != Status.FAILED:
            raise NothingToRetry("This message has its answer. Send a new message to ask something else.")
        if studied.mode not in _ANY_ORDER and studied.messages > answer.position:
            raise SessionWentOn("You went on in this session since then, so this turn is over. Send a new message.")
        question = await self._session.get(Message, answer.reply_to)
        assert question is not None
        answer.status, answer.error_type, answer.error_detail = Status.ANSWERING, None, None
        answer.content, answer.pieces, answer.citations, answer.finished_at = "", [], [], None
        answer.helpful = answer.comment = answer.rated_at = None
        answer.version += 1
        return await self._claim(studied, question, answer, now, lease)

    async def answer(self, message_id: UUID, *, lock: bool = False) -> Message:
        """The tutor's message with this id, or in reply to the one with it. Raises `NoSuchMessage`."""
        statement = (
            select(Message)
            .where(Message.user_id == self._owner, Message.role == Role.TUTOR)
            .where((col(Message.id) == message_id) | (col(Message.reply_to) == message_id))
        )
        found = await self._session.execute(statement.with_for_update() if lock else statement)
        if (answer := found.scalar_one_or_none()) is None:
            raise NoSuchMessage("There is no such message of yours.")
        return answer

    async def rate(self, message_id: UUID, *, helpful: bool, comment: str | None, now: datetime) -> Message:
        """Keep what the student thinks of an answer, in place of what was thought before. Raises `NoSuchMessage`, `AnswerInProgress`."""
        answer = await self.answer(message_id, lock=True)
        if answer.status == Status.ANSWERING:
            raise AnswerInProgress(
                "The answer is still being written. Wait until it is done.", message_id=str(answer.id)
            )
        answer.helpful, answer.comment, answer.rated_at = helpful, comment, now
        return answer

    async def complete(
        self,
        asked: Asked,
        answered: Answered,
        now: datetime,
        pieces: Sequence[str] = (),
        is_followed: Callable[[], bool] = lambda: False,
    ) -> Message:
        """Keep the whole answer with what its mode keeps and the pieces in which it was told, and tell the mesh.

        `is_followed` is asked last: a stream of few words may be opening meanwhile. Raises `Superseded` where the lease was lost.
        """
        answer, studied = await self._held(asked)
        answer.content, answer.pieces = answered.content, [len(piece) for piece in pieces]
        answer.citations = [citation.model_dump(mode="json") for citation in answered.citations]
        answer.model, answer.prompt = answered.usage.model or answered.model, answered.prompt
        answer.input_tokens, answer.output_tokens = answered.usage.input_tokens, answered.usage.output_tokens
        answer.tokens_estimated, answer.cost = answered.usage.estimated, answered.usage.cost
        answer.query = answered.query
        if answered.details is not None:
            answer.details = {answered.details.shown_as: answered.details.model_dump(mode="json")}
        _settle(answer, Status.DONE, now)
        studied.updated_at = now
        await self._session.flush()
        outbox = Outbox(self._session, "chat")
        await outbox.add(facts.answered(answer, followed=is_followed()))
        for event in answered.events:
            await outbox.add(facts.of_message(event, answer.version, now))
        return answer

    async def fail(self, asked: Asked, problem: Problem, written: str, now: datetime) -> Message:
        """Keep why there is no answer, and what was written of it. Raises `Superseded` where the lease was lost."""
        answer, _ = await self._held(asked)
        # The citations of an answer that broke off were never given out, so its markers mean nothing.
        answer.content = without_markers(written)
        answer.error_type, answer.error_detail = problem.type, problem.detail
        _settle(answer, Status.FAILED, now)
        return answer

    async def renew(self, asked: Asked, until: datetime) -> bool:
        """Hold the lease longer; False where it was lost."""
        renewed = await self._session.execute(
            update(Message)
            .where(col(Message.id) == asked.answer_id, col(Message.lease) == asked.lease)
            .values(lease_until=until)
            .returning(col(Message.id))
        )
        return renewed.first() is not None

    async def _free_session(self, session_id: UUID, now: datetime) -> StudySession:
        studied = await Sessions(self._session, self._owner).get(session_id, lock=True)
        await fail_interrupted(self._session, now, session_id)
        busy = await self._session.execute(
            select(Message.id).where(Message.session_id == session_id, Message.status == Status.ANSWERING)
        )
        if (answering := busy.scalar()) is not None:
            raise AnswerInProgress(
                "The answer before is still being written. Wait until it is done.", message_id=str(answering)
            )
        return studied

    async def _claim(
        self, studied: StudySession, question: Message, answer: Message, now: datetime, lease: timedelta
    ) -> Asked:
        answer.lease, answer.lease_until, answer.attempts = uuid4(), now + lease, answer.attempts + 1
        studied.updated_at = now
        await self._session.flush()
        return Asked(
            session_id=studied.id,
            user_id=self._owner,
            question_id=question.id,
            answer_id=answer.id,
            lease=answer.lease,
            attempt=answer.attempts,
            mode=cast(Mode, studied.mode),
            title=studied.title if studied.title != title_of(question.content) else None,
            question=question.content,
            intent=question.intent and Intent(question.intent),
            kept=await self._kept(studied.id, question.position),
            history=await self._history(studied.id, question.position),
            documents=tuple(studied.document_ids),
            questions=studied.questions,
            wanted=question.wanted,
        )

    async def _history(self, session_id: UUID, before: int) -> list[Exchange]:
        question = aliased(Message)
        found = await self._session.execute(
            select(question.content, Message.content, Message.query)
            .join(question, col(Message.reply_to) == question.id)
            .where(Message.session_id == session_id, Message.status == Status.DONE, Message.position < before)
            .order_by(col(Message.position).desc())
            .limit(_REMEMBERED)
        )
        return [Exchange(asked, said, query or asked) for asked, said, query in found][::-1]

    async def _kept(self, session_id: UUID, before: int) -> list[dict[str, Any]]:
        found = await self._session.execute(
            select(Message.details)
            .where(Message.session_id == session_id, Message.status == Status.DONE, Message.position < before)
            .where(col(Message.details).is_not(None))
            .order_by(col(Message.position).desc())
            .limit(_KEPT)
        )
        return [kept for details in found.scalars() if details for kept in details.values()][::-1]

    async def _held(self, asked: Asked) -> tuple[Message, StudySession]:
        locked = select(StudySession).where(StudySession.id == asked.session_id).with_for_update()
        studied = (await self._session.execute(locked)).scalar_one_or_none()
        held = select(Message).where(Message.id == asked.answer_id, Message.lease == asked.lease).with_for_update()
        answer = (await self._session.execute(held)).scalar_one_or_none()
        if studied is None or answer is None:
            raise Superseded("The session was deleted, or the answer was taken up elsewhere.")
        return answer, studied


async def fail_interrupted(session: AsyncSession, now: datetime, session_id: UUID | None = None) -> int:
    """Mark answers whose process died as failed, in one session or in all; how many there were."""
    dead = update(Message).where(col(Message.status) == Status.ANSWERING, col(Message.lease_until) < now)
    if session_id is not None:
        dead = dead.where(col(Message.session_id) == session_id)
    failed = await session.execute(
        dead.values(
            status=Status.FAILED,
            error_type=Interrupted.type,
            error_detail=Interrupted().detail,
            lease=None,
            lease_until=None,
            finished_at=now,
            version=Message.version + 1,
        ).returning(col(Message.id)),
        execution_options={"synchronize_session": False},
    )
    return len(failed.all())


def _settle(answer: Message, status: Status, now: datetime) -> None:
    answer.status, answer.finished_at = status, now
    answer.lease = answer.lease_until = None
    answer.version += 1


def title_of(question: str) -> str:
    """A session's title, from its first question."""
    title = " ".join(question.split())
    return title if len(title) <= _LONGEST_TITLE else title[:_LONGEST_TITLE].rsplit(" ", 1)[0] + " …"
