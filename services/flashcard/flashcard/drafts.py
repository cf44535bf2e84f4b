"""Cards that were proposed: kept until the student takes or leaves them. What the student already has is not proposed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.clock import Clock, system_clock
from chassis.errors import Conflict, NotFound
from chassis.paging import PageRequest
from chassis.personal_data import is_erased
from contracts.chat import ProposedCard
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.card_text import fingerprint, ordinals
from flashcard.models import Card, Deck, Draft, DraftStatus, Note, NoteKind
from flashcard.notes import Notes, Shown, Written, expect_cards
from flashcard.patience import impatient
from flashcard.sources import Sources

# What waits at the most; a student who never looks is not owed a heap without end.
MOST_WAITING = 500

WAITING = (~col(Draft.rejected), col(Draft.note_id).is_(None))
_STATUS: dict[DraftStatus, Sequence[Any]] = {
    "waiting": WAITING,
    "accepted": (col(Draft.note_id).is_not(None),),
    "rejected": (col(Draft.rejected), col(Draft.note_id).is_(None)),
}


class NoSuchDraft(NotFound):
    type, title = "draft-not-found", "No such draft"


class DraftDecided(Conflict):
    type, title = "draft-decided", "The draft waits no more"


class CardsInUse(Conflict):
    type, title = "cards-in-use", "The card is in use"


@dataclass(frozen=True, slots=True)
class Edited:
    """What a student changes of a draft before taking it; None stays."""

    question: str | None = None
    answer: str | None = None
    tags: Sequence[str] = ()


class Proposals:
    """Every student's proposals, as events tell of them. In any order and repetition the same drafts are there."""

    def __init__(self, session: AsyncSession, clock: Clock = system_clock) -> None:
        self._session = session
        self._clock = clock

    async def take(self, owner: UUID, cards: Sequence[ProposedCard], proposal_id: UUID | None = None) -> int:
        """Keep what the student does not have yet, as drafts; how many those were."""
        if await is_erased(self._session, owner):
            return 0
        known = await self._known(owner, [fingerprint(card.question) for card in cards])
        room = MOST_WAITING - await self._waiting(owner)
        kept = 0
        for card in cards:
            mark, kind = fingerprint(card.question), NoteKind(card.kind)
            if mark in known or kept >= room or not _makes_a_card(kind, card.question):
                continue
            known.add(mark)
            kept += await self._keep(owner, card, kind, mark, proposal_id)
        return kept

    async def _keep(self, owner: UUID, card: ProposedCard, kind: NoteKind, mark: str, proposal_id: UUID | None) -> int:
        source = card.model_dump(mode="json", include={"document_id", "document_title", "page", "part", "quote"})
        source["available"] = not await Sources(self._session).is_gone(card.document_id, owner=owner)
        draft = Draft(
            user_id=owner,
            proposal_id=proposal_id,
            kind=kind,
            question=card.question,
            answer=card.answer,
            source=source,
            document_id=card.document_id,
            fingerprint=mark,
            created_at=self._clock(),
        )
        statement = insert(Draft).values(draft.model_dump(exclude={"place"}))
        once = statement.on_conflict_do_nothing(constraint="uq_draft_user_id_fingerprint").returning(col(Draft.id))
        return len((await self._session.execute(once)).all())

    async def _known(self, owner: UUID, prints: Sequence[str]) -> set[str]:
        notes = select(Note.fingerprint).where(Note.user_id == owner, col(Note.fingerprint).in_(prints))
        drafts = select(Draft.fingerprint).where(Draft.user_id == owner, col(Draft.fingerprint).in_(prints))
        found = [await self._session.execute(statement) for statement in (notes, drafts)]
        return {mark for rows in found for mark in rows.scalars()}

    async def _waiting(self, owner: UUID) -> int:
        counted = select(func.count()).where(Draft.user_id == owner, *WAITING)
        return (await self._session.execute(counted)).scalar_one()


class Drafts:
    """One student's drafts. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def page(
        self, page: PageRequest, status: DraftStatus = "waiting", proposal_id: UUID | None = None
    ) -> Sequence[Draft]:
        """Drafts of a status, or of one proposal too, in the order in which they came; one more than the page holds."""
        statement = self._mine(status, proposal_id).order_by(col(Draft.place)).limit(page.limit + 1)
        if (last := page.before_id()) is not None:
            statement = statement.where(col(Draft.place) > last)
        return (await self._session.execute(statement)).scalars().all()

    async def change(self, draft_id: UUID, question: str | None, answer: str | None) -> Draft:
        """Edit a draft that waits. Raises `NoSuchDraft`, `DraftDecided`, `NotACloze`."""
        draft = await self._waiting(draft_id)
        draft.question, draft.answer = question or draft.question, draft.answer if answer is None else answer
        expect_cards(NoteKind(draft.kind), draft.question)
        await self._session.flush()
        return draft

    async def accept(self, draft_id: UUID, deck: Deck, edited: Edited, now: datetime) -> list[Shown]:
        """Make the draft a card of a deck. Raises `NoSuchDraft`, `DraftDecided`, `NotACloze`."""
        return await self._accept(await self._waiting(draft_id), deck, edited, now)

    async def accept_all(self, deck: Deck, now: datetime, proposal_id: UUID | None = None) -> list[Shown]:
        """Make all that waits, or what waits of one proposal, cards of a deck."""
        statement = self._mine("waiting", proposal_id).order_by(col(Draft.place)).with_for_update()
        waiting = (await self._session.execute(statement)).scalars().all()
        return [shown for draft in waiting for shown in await self._accept(draft, deck, Edited(), now)]

    async def reject(self, draft_id: UUID) -> None:
        """Leave the draft; it is not proposed again. Raises `NoSuchDraft`, `DraftDecided`."""
        (await self._waiting(draft_id)).rejected = True
        await self._session.flush()

    async def restore(self, draft_id: UUID) -> Draft:
        """Take back that a draft was taken or left: it waits again, and its cards are gone. Raises `NoSuchDraft`, `CardsInUse`."""
        draft = await self._locked(draft_id)
        if draft.note_id is not None:
            notes = Notes(self._session, self._owner)
            await notes.lock([draft.note_id])
            reviewed = select(Card.id).where(
                Card.note_id == draft.note_id, Card.user_id == self._owner, Card.reviews > 0
            )
            if (await self._session.execute(reviewed.limit(1))).first() is not None:
                raise CardsInUse("This card was reviewed already. Delete the card if you do not want it.")
            await notes.delete([draft.note_id])
        draft.note_id, draft.rejected = None, False
        await self._session.flush()
        return draft

    async def _accept(self, draft: Draft, deck: Deck, edited: Edited, now: datetime) -> list[Shown]:
        written = Written(
            question=edited.question or draft.question,
            answer=draft.answer if edited.answer is None else edited.answer,
            kind=NoteKind(draft.kind),
            tags=edited.tags,
            source=_source(draft),
        )
        made = await Notes(self._session, self._owner).write(deck, written, now)
        draft.note_id = made[0].note.id
        await self._session.flush()
        return made

    async def _locked(self, draft_id: UUID) -> Draft:
        statement = impatient(self._mine().where(Draft.id == draft_id)).with_for_update(of=Draft)
        draft: Draft | None = (await self._session.execute(statement)).scalar_one_or_none()
        if draft is None:
            raise NoSuchDraft("There is no such draft of yours. GET /flashcards/drafts lists them.")
        return draft

    async def _waiting(self, draft_id: UUID) -> Draft:
        draft = await self._locked(draft_id)
        if draft.rejected or draft.note_id is not None:
            raise DraftDecided(
                f"This draft was {'taken' if draft.note_id else 'left'} already. POST /flashcards/drafts/{{id}}/restore takes that back."
            )
        return draft

    def _mine(self, status: DraftStatus | None = None, proposal_id: UUID | None = None) -> Any:
        statement = select(Draft).where(Draft.user_id == self._owner, *(_STATUS[status] if status else ()))
        return statement if proposal_id is None else statement.where(Draft.proposal_id == proposal_id)


def _makes_a_card(kind: NoteKind, question: str) -> bool:
    try:
        return bool(ordinals(kind, question))
    except ValueError:
        return False


def _source(draft: Draft) -> dict[str, Any] | None:
    if draft.source is None:
        return None
    return {name: value for name, value in draft.source.items() if name != "available"} | {
        "document_id": draft.document_id
    }
