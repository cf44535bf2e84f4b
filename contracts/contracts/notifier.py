"""What notifier tells the mesh."""

from typing import Literal
from uuid import UUID

from mesh import Event
from pydantic import Field

from contracts.personal_data import DataErased, DataExported


class NotificationDelivered(Event, type="notifier.notification.delivered", version=1, aggregate="notification_id"):
    """A student was told: a notification stands in the list, or a mail server has taken the mail."""

    notification_id: UUID = Field(description="Of a mail that was requested, the request's id")
    user_id: UUID
    kind: str = Field(description="What it is about, such as document_ready or verify_email")
    channel: Literal["in_app", "email"]


class NotificationFailed(Event, type="notifier.notification.failed", version=1, aggregate="notification_id"):
    """A mail was given up: refused for its address, expired, or not to be delivered for a long time."""

    notification_id: UUID = Field(description="Of a mail that was requested, the request's id")
    user_id: UUID
    kind: str = Field(description="What it is about, such as document_ready or verify_email")
    channel: Literal["in_app", "email"]
    code: str = Field(description="Stable, for programs: refused, expired or unreachable")
    detail: str = Field(description="A sentence for people")


class NotifierDataErased(DataErased, type="notifier.user_data.erased", version=1, aggregate="user_id"):
    """Notifier keeps nothing of the user any more."""


class NotifierDataExported(DataExported, type="notifier.user_data.exported", version=1, aggregate="export_id"):
    """What notifier keeps of the user waits to be fetched."""
