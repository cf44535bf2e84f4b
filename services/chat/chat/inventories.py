"""What chat knows, for `mesh audit`: answers, and of others' facts documents and users."""

from chassis.personal_data import known_users
from mesh.inventories import GONE, Inventories, by_snapshot
from sqlalchemy import case, literal, null, select
from sqlmodel import col

from chat.models import Message, Role, ShelvedDocument, Status, StudySession

inventories = Inventories()
inventories.owns(
    "answer",
    select(col(Message.id), col(Message.version), literal("done")).where(
        col(Message.role) == Role.TUTOR, col(Message.status) == Status.DONE
    ),
)
inventories.copies(
    "document",
    select(
        col(ShelvedDocument.document_id),
        col(ShelvedDocument.version),
        case((col(ShelvedDocument.deleted), GONE), else_="ready"),
    ),
    name="shelf",
    holds={
        "ready": by_snapshot("chat.offer_document_for_study"),
        GONE: by_snapshot("chat.take_document_off_the_shelf"),
    },
)
inventories.copies(
    "user",
    known_users(
        select(col(StudySession.user_id), null()),
        select(col(ShelvedDocument.user_id), null()).where(~col(ShelvedDocument.deleted)),
    ),
    name="users",
    holds={GONE: by_snapshot("chat.erase_user")},
)
