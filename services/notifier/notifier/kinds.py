"""What a student can be told of, and by which way where nothing else was chosen."""

from enum import StrEnum


class NotificationKind(StrEnum):
    """The kinds of notifications, as they stand in rows, events and preferences."""

    DOCUMENT_READY = "document_ready"
    DOCUMENT_FAILED = "document_failed"
    ANSWER_READY = "answer_ready"


class Channel(StrEnum):
    """The ways to a student. In the app: kept in the list, and pushed to open tabs. By mail: to a verified address alone."""

    IN_APP = "in_app"
    EMAIL = "email"


# Mail only for what one would leave the desk for, and nothing here takes that long: who wants it asks for it.
DEFAULT = frozenset((kind, Channel.IN_APP) for kind in NotificationKind)
