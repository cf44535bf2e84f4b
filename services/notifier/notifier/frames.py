"""What is pushed: JSON frames `{"type", "id", "time", "data"}`. The same news has the same id in every tab and process."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.notifier import NotificationWithdrawn
from mesh import Envelope, Event

from notifier.models import Notification
from notifier.schemas import NotificationOut

# The names that a frontend knows, by the name on the bus.
_TYPES = {
    "ingestion.document.uploaded": "document.uploaded",
    "ingestion.document.progressed": "document.progressed",
    "ingestion.document.processed": "document.processed",
    "ingestion.document.failed": "document.failed",
    "ingestion.document.deleted": "document.deleted",
    "chat.message.asked": "chat.message.asked",
    "chat.message.answered": "chat.message",
}


def of_event(event: Event, envelope: Envelope) -> str:
    """An event of the mesh, as its owner sees it."""
    data = event.model_dump(mode="json", exclude={"user_id"})
    return _frame(_TYPES[event.event_type], envelope.id, envelope.time, data)


def of_notification(notification: Notification) -> str:
    """A notification, as it stands in the list."""
    data = NotificationOut.model_validate(notification).model_dump(mode="json")
    return _frame("notification", notification.id, notification.created_at, data)


def of_withdrawal(event: NotificationWithdrawn, envelope: Envelope, unread: int) -> str:
    """A notification that is to be shown no more, and how many are left unread."""
    return _frame(
        "notification.withdrawn", envelope.id, envelope.time, {"id": str(event.notification_id), "unread": unread}
    )


def hello(frame_id: UUID, now: datetime, *, newest: int, unread: int) -> str:
    """The first frame of a socket."""
    return _frame("hello", frame_id, now, {"newest": newest, "unread": unread})


def resync(frame_id: UUID, now: datetime) -> str:
    """News may have been missed: what is shown is to be fetched anew."""
    return _frame("resync", frame_id, now, {})


def _frame(kind: str, frame_id: UUID, time: datetime, data: dict[str, Any]) -> str:
    frame = {"type": kind, "id": str(frame_id), "time": time.isoformat(), "data": data}
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)
