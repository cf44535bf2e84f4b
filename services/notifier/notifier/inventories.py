"""What notifier knows of others' facts, for `mesh audit`: users, and which news of documents and answers it has heard."""

from chassis.personal_data import KEPT, known_users
from mesh.inventories import GONE, HEARD, Inventories, by_snapshot
from sqlalchemy import literal, null, select
from sqlmodel import col

from notifier.models import Feed, Student, Told

inventories = Inventories()
inventories.copies(
    "user",
    known_users(select(col(Student.user_id), col(Student.version))),
    name="users",
    holds={KEPT: by_snapshot("notifier.keep_profile"), GONE: by_snapshot("notifier.erase_user")},
)
inventories.copies(
    "user",
    known_users(select(col(Feed.user_id), null())),
    name="owners of notifications",
    holds={GONE: by_snapshot("notifier.erase_user")},
)
# It does not say of what: both owners find theirs in it.
_heard = select(col(Told.subject_id), col(Told.version), literal(HEARD))
_tell = by_snapshot("notifier.tell_of_document")
inventories.copies(
    "document",
    _heard,
    name="told of documents",
    holds={"ready": _tell, "failed": _tell, GONE: by_snapshot("notifier.withdraw_news_of_document")},
)
inventories.copies("answer", _heard, name="told of answers", holds={"done": by_snapshot("notifier.tell_of_answer")})
