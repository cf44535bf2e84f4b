"""What flashcard knows of others' facts, for `mesh audit`: users, and documents that are gone."""

from chassis.personal_data import KEPT, known_users
from mesh.inventories import GONE, Inventories, by_snapshot
from sqlalchemy import Integer, literal, null, select
from sqlmodel import col

from flashcard.models import Deck, GoneDocument, Student

inventories = Inventories()
inventories.copies(
    "user",
    known_users(select(col(Student.user_id), col(Student.version))),
    name="users",
    holds={KEPT: by_snapshot("flashcard.keep_profile"), GONE: by_snapshot("flashcard.erase_user")},
)
# By itself: who has decks and no profile is not to look like somebody whose profile is here.
inventories.copies(
    "user",
    known_users(select(col(Deck.user_id), null())),
    name="owners of decks",
    holds={GONE: by_snapshot("flashcard.erase_user")},
)
inventories.copies(
    "document",
    select(col(GoneDocument.document_id), null().cast(Integer), literal(GONE)),
    name="sources",
    holds={GONE: by_snapshot("flashcard.mark_cards_of_deleted_document")},
)
