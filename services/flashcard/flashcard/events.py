"""What flashcard takes from the mesh."""

from chassis.personal_data import prepare_export
from contracts.auth import UserDeleted, UserEmailVerified, UserExportRequested, UserProfileChanged, UserRegistered
from contracts.chat import FlashcardsProposed, RecallGraded
from contracts.flashcard import FlashcardDataErased, FlashcardDataExported
from contracts.ingestion import DocumentDeleted
from mesh import Envelope, Outbox, Subscriptions, transient
from sqlalchemy.ext.asyncio import AsyncSession

from flashcard.drafts import Proposals
from flashcard.erasure import Erasure
from flashcard.models import SCHEMA, tables
from flashcard.recalls import Recalls
from flashcard.sources import Sources
from flashcard.students import Students

bus = Subscriptions("flashcard")


@bus.on(UserRegistered, UserProfileChanged, UserEmailVerified, retry=transient)
async def keep_profile(event: UserRegistered | UserProfileChanged | UserEmailVerified, students: Students) -> None:
    """Where a student is, and when the day begins there."""
    await students.put(event)


@bus.on(DocumentDeleted, retry=transient)
async def mark_cards_of_deleted_document(event: DocumentDeleted, sources: Sources) -> None:
    """Cards that were made from the document stay, and say that it is gone."""
    await sources.remove(event.document_id, owner=event.user_id)


@bus.on(FlashcardsProposed, retry=transient)
async def keep_proposed_cards(event: FlashcardsProposed, proposals: Proposals) -> None:
    """What the student does not have yet waits as drafts."""
    await proposals.take(event.user_id, event.cards, event.proposal_id)


@bus.on(RecallGraded, retry=transient)
async def bring_back_what_was_missed(event: RecallGraded, envelope: Envelope, recalls: Recalls) -> None:
    """The card of what was missed in a quiz comes back that day, or a card is proposed."""
    await recalls.hear(event, event.graded_at or envelope.time)


@bus.on(UserDeleted, retry=transient)
async def erase_user(event: UserDeleted, session: AsyncSession, erasure: Erasure) -> None:
    """Nothing is kept of a user who is gone: rows, pictures, files that were to be imported."""
    await erasure.erase(event.user_id)
    await Outbox(session, SCHEMA).add(FlashcardDataErased(user_id=event.user_id, version=1))


@bus.on(UserExportRequested, retry=transient)
async def export_user(event: UserExportRequested, session: AsyncSession) -> None:
    """A user's decks, cards and log wait to be fetched; pictures go with the export of a deck."""
    size = await prepare_export(session, tables.metadata, event.export_id, event.user_id)
    exported = FlashcardDataExported(export_id=event.export_id, user_id=event.user_id, size=size, version=1)
    await Outbox(session, SCHEMA).add(exported)
