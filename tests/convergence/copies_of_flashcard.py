"""Flashcard's students, and drafts of cards with the documents that they came from."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from chassis.storage import Storage
from contracts.chat import FlashcardsProposed, ProposedCard, RecallGraded, RecallSource
from contracts.ingestion import DocumentDeleted
from flashcard import drafts, events, recalls, sources, students
from flashcard.card_text import fingerprint
from flashcard.erasure import Erasure
from flashcard.models import Card, Deck, Draft, GoneDocument, LoggedReview, Note, NoteKind, Student, tables
from hypothesis import strategies as st
from mesh import Event
from mesh.injection import Provide
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from .harness import Copy
from .histories import ADA, GRACE, OWNERS, left_behind, users

HELD = "What is a market?"
"""The student's own card asks it."""
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
    """Cards proposed from documents, or missed in a quiz, each question from one document alone, some of which are deleted."""
    owner, documents = draw(OWNERS), {question: uuid4() for question in [*QUESTIONS, HELD]}
    history: list[Event] = []
    for asked in draw(st.lists(st.lists(st.sampled_from(QUESTIONS), min_size=1, max_size=3), min_size=1, max_size=3)):
        cards = [_card(question, documents[question]) for question in asked]
        history.append(FlashcardsProposed(version=1, proposal_id=uuid4(), user_id=owner, cards=cards, offline=True))
    for asked_in_quiz, hours in draw(
        st.lists(st.tuples(st.sampled_from([*QUESTIONS, HELD]), st.integers(0, 90)), min_size=1, max_size=4)
    ):
        grade = draw(st.integers(0, 4))
        history.append(_graded(owner, _card(asked_in_quiz, documents[asked_in_quiz]), grade, hours))
    gone = draw(st.lists(st.sampled_from(QUESTIONS), unique=True, max_size=2))
    return [*history, *(DocumentDeleted(document_id=documents[one], user_id=owner, version=5) for one in gone)]


def _card(question: str, document: UUID) -> ProposedCard:
    return ProposedCard(
        question=question,
        answer="An answer.",
        document_id=document,
        document_title="Cells",
        page=1,
        part=1,
        quote="A cell.",
    )


def _graded(owner: UUID, card: ProposedCard, grade: int, hours: int) -> RecallGraded:
    return RecallGraded(
        version=2,
        message_id=uuid4(),
        session_id=uuid4(),
        user_id=owner,
        concept="it",
        question=card.question,
        reference_answer=card.answer,
        grade=grade,
        source=RecallSource.model_validate(card.model_dump(exclude={"kind", "question", "answer"})),
        offline=True,
        graded_at=_noon() + timedelta(hours=hours),
        card=card if grade < recalls.RECALLED else None,
    )


def _recalls(session: AsyncSession) -> recalls.Recalls:
    return recalls.Recalls(session, drafts.Proposals(session))


class Drafts(Copy):
    """Proposed cards, whether the document that they came from is still there, and when a card of the student's comes back."""

    service = "flashcard"
    bus = events.bus
    handlers = frozenset(
        {
            "keep_proposed_cards",
            "bring_back_what_was_missed",
            "mark_cards_of_deleted_document",
            "erase_user",
            "export_user",
        }
    )

    @staticmethod
    def histories() -> st.SearchStrategy[list[Event]]:
        return left_behind(proposals())

    def provide(self) -> Provide:
        return {
            drafts.Proposals: drafts.Proposals,
            recalls.Recalls: _recalls,
            sources.Sources: sources.Sources,
            Erasure: _erasure,
        }

    async def prepare(self) -> None:
        """`ADA` and `GRACE` have learnt a card, two days ago."""
        async with self.database.transaction() as session:
            for owner in (ADA, GRACE):
                await _learn(session, owner)

    async def state(self) -> object:
        async with self.database.transaction() as session:
            kept = (await session.execute(select(Draft))).scalars().all()
            gone = (await session.execute(select(GoneDocument.document_id))).scalars().all()
            learnt = (await session.execute(select(Card))).scalars().all()
            reviews = len((await session.execute(select(LoggedReview.id))).all())
        left, exports, holding = await self.left_of_users(tables.metadata)
        assert not holding
        cards = {(row.user_id, row.fingerprint): (row.question, row.answer, row.source) for row in kept}
        due = {card.user_id: (card.missed_at, card.missed_day, card.due_day) for card in learnt}
        return cards, set(gone), due, reviews, left, exports


async def _learn(session: AsyncSession, owner: UUID) -> None:
    """A note with a card that is due in a month."""
    now = _noon() - timedelta(days=2)
    deck = Deck(user_id=owner, name="Default", options={}, created_at=now, updated_at=now)
    note = Note(
        user_id=owner,
        guid="g",
        kind=NoteKind.BASIC,
        question=HELD,
        answer="A place.",
        tags=[],
        fingerprint=fingerprint(HELD),
        created_at=now,
        updated_at=now,
    )
    session.add_all([deck, note])
    await session.flush()
    base = {"phase": "review", "due_day": (now + timedelta(days=30)).date().isoformat(), "interval": 30}
    learnt = Card(user_id=owner, note_id=note.id, deck_id=deck.id, ordinal=0, created_at=now, base=base)
    learnt.phase, learnt.interval, learnt.due_day = "review", 30, (now + timedelta(days=30)).date()
    session.add(learnt)
