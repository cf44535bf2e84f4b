"""What ingestion knows, for `mesh audit`: documents, passages, which of these the index has, and of users who is gone."""

from chassis.personal_data import KEPT, known_users
from mesh.inventories import GONE, Inventories, Read, by_snapshot
from sqlalchemy import Integer, Text, case, cast, literal, null, select, union_all
from sqlmodel import col

from ingestion.models import ALL_VERSIONS, Document, Passage, Removal, tables

_erased = tables.metadata.tables["erased_user"]


def inventories_of(index: Read, index_url: str | None) -> Inventories:
    """With the index of this process, or at another address."""
    found = index_inventories(index, index_url)
    found.owns(
        "document",
        union_all(
            select(col(Document.id), col(Document.version), cast(col(Document.status), Text)),
            # Who erased a user, need not remember each of the documents.
            select(
                col(Removal.document_id),
                null().cast(Integer),
                case((col(Removal.user_id).in_(select(_erased.c.user_id)), "erased"), else_=GONE),
            ).where(col(Removal.below_version) == ALL_VERSIONS),
        ),
    )
    found.owns("passage", select(col(Passage.id), col(Passage.content_version), literal(KEPT)))
    found.copies(
        "user",
        known_users(select(col(Document.user_id), null())),
        name="users",
        holds={GONE: by_snapshot("ingestion.erase_user")},
    )
    return found


def index_inventories(index: Read, index_url: str | None = None) -> Inventories:
    """What the role `index` answers where it is a process of its own."""
    found = Inventories()
    found.copies("passage", index, name="index", holds={KEPT: "python -m ingestion reindex"}, at=index_url)
    return found
