"""What auth takes from the mesh: that others have done their part of an erasure, or of an export."""

from chassis.clock import Clock
from contracts.chat import ChatDataErased, ChatDataExported
from contracts.flashcard import FlashcardDataErased, FlashcardDataExported
from contracts.ingestion import IngestionDataErased, IngestionDataExported
from contracts.notifier import NotifierDataErased, NotifierDataExported
from contracts.personal_data import DataErased, DataExported
from mesh import Subscriptions, transient

from auth.personal_data import Progress

bus = Subscriptions("auth")


@bus.on(ChatDataErased, FlashcardDataErased, IngestionDataErased, NotifierDataErased, retry=transient)
async def note_erasure(event: DataErased, progress: Progress, clock: Clock) -> None:
    """A service keeps nothing of a user any more."""
    await progress.erased(_producer(event), event.user_id, clock())


@bus.on(ChatDataExported, FlashcardDataExported, IngestionDataExported, NotifierDataExported, retry=transient)
async def note_export(event: DataExported, progress: Progress) -> None:
    """A service's part of an export is ready."""
    await progress.exported(_producer(event), event.export_id)


def _producer(event: DataErased | DataExported) -> str:
    return event.event_type.partition(".")[0]
