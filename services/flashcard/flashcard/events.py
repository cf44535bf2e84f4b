"""What flashcard takes from the mesh."""

from contracts.auth import UserEmailVerified, UserProfileChanged, UserRegistered
from contracts.chat import FlashcardsProposed
from contracts.ingestion import DocumentDeleted
from mesh import Subscriptions, transient

from flashcard.drafts import Proposals
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
