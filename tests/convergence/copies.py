"""Every service's copies of what others say. A new handler gets a history here, or a reason in `KEEP_NOTHING`."""

from .copies_of_auth import PersonalData
from .copies_of_chat import Shelf
from .copies_of_flashcard import Drafts, Students
from .copies_of_gateway import Revoked
from .copies_of_ingestion import Documents
from .copies_of_notifier import Mails, News, Profiles, Reminders
from .harness import Copy

COPIES: tuple[type[Copy], ...] = (
    PersonalData,
    Documents,
    Shelf,
    Students,
    Drafts,
    Revoked,
    News,
    Profiles,
    Reminders,
    Mails,
)

# Broadcasts whose handler keeps nothing: there is no state that could differ.
KEEP_NOTHING = {
    "notifier.push_document": "passes it on to the tabs that are open now; they fetch the state when they come back",
    "notifier.push_question": "the same",
    "notifier.push_answer": "the same",
    "notifier.push_notification": "the same, and what it passes on is read from the list",
    "notifier.push_withdrawal": "the same: what is unread is read when it is told, and the list no longer has what was withdrawn",
    "chat.end_sockets_of_session": "closes sockets that are open now; what it remembers ends with the session's tokens",
}
