"""What cards are made of: passages of a document, or what was asked, searched and missed in a session."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from chat.citations import Citation, single_spaced
from chat.models import Message, Status
from chat.passages import Passage
from chat.recall.quiz import Quiz
from chat.recall.turns import Graded, QuizTurn
from chat.retrieval import Retrieval

_MOST_MESSAGES = 100
_MOST_QUERIES = 6
_FOUND, _SAMPLED = 8, 50
# A sample of a long document gives about so many cards.
_OF_A_SAMPLE = 10


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question that the material answered, and the places that the answer rests on. `query` is what was searched for it."""

    question: str
    query: str
    citations: Sequence[Citation]


@dataclass(frozen=True, slots=True)
class Studied:
    """What went on in a session, the newest first: questions that were answered, and what a quiz asked."""

    queries: Sequence[str] = ()
    exchanges: Sequence[Exchange] = ()
    graded: Sequence[Graded] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing yet that cards could be made of."""
        return not (self.queries or self.graded)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a student wants cards of: a document, or a session and the documents that it is about (none named: all)."""

    documents: Sequence[UUID]
    document_id: UUID | None = None
    session_id: UUID | None = None
    studied: Studied = field(default_factory=Studied)


async def studied_in(session: AsyncSession, session_id: UUID) -> Studied:
    """What went on in a session, as far back as is worth asking for."""
    question = aliased(Message)
    rows = await session.execute(
        select(question.content, Message.query, Message.citations, Message.details)
        .join(question, col(Message.reply_to) == question.id)
        .where(Message.session_id == session_id, Message.status == Status.DONE)
        .order_by(col(Message.position).desc())
        .limit(_MOST_MESSAGES)
    )
    found = [row._mapping for row in rows]
    turns = [
        row["details"][QuizTurn.shown_as] for row in found if row["details"] and QuizTurn.shown_as in row["details"]
    ]
    answered = [row for row in found if row["query"] and row["citations"] and not row["details"]]
    queries = [row["query"] for row in found if row["query"] and (row["citations"] or row["details"])]
    return Studied(
        queries=tuple(dict.fromkeys(queries))[:_MOST_QUERIES],
        exchanges=[_exchange(row["content"], row["query"], row["citations"]) for row in answered],
        graded=_graded(turns[::-1]),
    )


async def gather(subject: Subject, wanted: int, retrieval: Retrieval, *, seed: str, token: str) -> list[Passage]:
    """The passages that cards are made from, in the order of the documents. Raises a `Problem` where they cannot be had."""
    found: list[Passage] = []
    if subject.document_id is not None:
        for draw in range(1 + (wanted - 1) // _OF_A_SAMPLE):
            found += await retrieval.sample(f"{seed}.{draw}", documents=subject.documents, limit=_SAMPLED, token=token)
    for query in subject.studied.queries:
        findings = await retrieval.find(query, documents=subject.documents, limit=_FOUND, token=token)
        found += findings.passages if findings.answerable else ()
    found += [graded.question.source.passage for graded in subject.studied.graded]
    return _in_order(found)


def _in_order(passages: Iterable[Passage]) -> list[Passage]:
    known = {(passage.id, passage.start): passage for passage in passages}
    return sorted(known.values(), key=lambda passage: (str(passage.document_id), passage.part, passage.start))


def _exchange(question: str, query: str, citations: Sequence[dict[str, Any]]) -> Exchange:
    return Exchange(single_spaced(question), query, [Citation.model_validate(each) for each in citations])


def _graded(turns: Sequence[dict[str, Any]]) -> list[Graded]:
    """What the session's quizzes asked, each question once, as it was answered last."""
    last: dict[str, Graded] = {}
    for turn in Quiz.of(turns).turns:
        if turn.graded is not None:
            last[turn.graded.question.text] = turn.graded
    return list(last.values())[::-1]
