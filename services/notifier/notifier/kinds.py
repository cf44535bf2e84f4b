"""What a student can be told of, and by which way where nothing else was chosen."""

from enum import StrEnum


class NotificationKind(StrEnum):
    """The kinds of notifications, as they stand in rows, events and preferences."""

    DOCUMENT_READY = "document_ready"
    DOCUMENT_FAILED = "document_failed"
    ANSWER_READY = "answer_ready"
    REVIEW_REMINDER = "review_reminder"


class Channel(StrEnum):
    """The ways to a student. In the app: kept in the list, and pushed to open tabs. By mail: to a verified address alone."""

    IN_APP = "in_app"
    EMAIL = "email"


# News by mail is for who asks for it: nothing here takes so long that one would leave the desk. A reminder is for who did.
DEFAULT = frozenset((kind, Channel.IN_APP) for kind in NotificationKind) | {
    (NotificationKind.REVIEW_REMINDER, Channel.EMAIL)
}
