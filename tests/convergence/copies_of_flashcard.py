"""Flashcard's students, and drafts of cards with the documents that they came from."""

from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from chassis.storage import Storage
from contracts.chat import FlashcardsProposed, ProposedCard
from contracts.ingestion import DocumentDeleted
from flashcard import drafts, events, sources, students
from flashcard.erasure import Erasure
from flashcard.models import Draft, GoneDocument, Student, tables
from hypothesis import strategies as st
from mesh import Event
from mesh.injection import Provide
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from .harness import Copy
from .histories import OWNERS, left_behind, users

QUESTIONS = [f"What is {thing}?" for thing in ("a cell", "supply", "demand", "a price")]


def _noon() -> datetime:
    return datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def _students(session: object, clock: object) -> students.Students:
    return students.Students(session, clock)  # type: ignore[arg-type]  # what the harness hands on


def _erasure(session: AsyncSession) -> Erasure:
    return Erasure(session, Storage("file:///tmp/studyteddy-convergence"))


class Students(Copy):
    """Where students are, and when their day begins."""

    service = "flashcard"
    bus = events.bus
    handlers = frozenset({"keep_profile", "erase_user", "export_user"})

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return users()

    def provide(self) -> Provide:
        return {students.Students: partial(_students, clock=_noon), Erasure: _erasure}

    async def state(self) -> object:
        async with self.database.transaction() as session:
            rows = (await session.execute(select(Student))).scalars().all()
        kept = {row.user_id: (row.version, row.time_zone, row.day_starts_at, row.next_day_at) for row in rows}
        gone, exports, holding = await self.left_of_users(tables.metadata)
        assert not holding
        return kept, gone, exports


@st.composite
def proposals(draw: st.DrawFn) -> list[Event]:
    """Cards proposed from documents, each question from one document alone, some of which are deleted."""
    owner, documents = draw(OWNERS), {question: uuid4() for question in QUESTIONS}
    history: list[Event] = []
    for asked in draw(st.lists(st.lists(st.sampled_from(QUESTIONS), min_size=1, max_size=3), min_size=1, max_size=3)):
        cards = [
            ProposedCard(
                question=question,
                answer="An answer.",
                document_id=documents[question],
                document_title="Cells",
                page=1,
                part=1,
                quote="A cell.",
            )
            for question in asked
        ]
        history.append(FlashcardsProposed(version=1, proposal_id=uuid4(), user_id=owner, cards=cards, offline=True))
    gone = draw(st.lists(st.sampled_from(QUESTIONS), unique=True, max_size=2))
    return [*history, *(DocumentDeleted(document_id=documents[one], user_id=owner, version=5) for one in gone)]


class Drafts(Copy):
    """Proposed cards, and whether the document that they came from is still there."""

    service = "flashcard"
    bus = events.bus
    handlers = frozenset({"keep_proposed_cards", "mark_cards_of_deleted_document", "erase_user", "export_user"})

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return left_behind(proposals())

    def provide(self) -> Provide:
        return {drafts.Proposals: drafts.Proposals, sources.Sources: sources.Sources, Erasure: _erasure}

    async def state(self) -> object:
        async with self.database.transaction() as session:
            kept = (await session.execute(select(Draft))).scalars().all()
            gone = (await session.execute(select(GoneDocument.document_id))).scalars().all()
        left, exports, holding = await self.left_of_users(tables.metadata)
        assert not holding
        cards = {(row.user_id, row.fingerprint): (row.question, row.answer, row.source) for row in kept}
        return cards, set(gone), left, exports
