"""What operators see of sockets, mail and reminders."""

from itertools import product
from typing import get_args

from contracts.auth import EmailRequested
from prometheus_client import Counter, Gauge, Histogram

from notifier.kinds import NotificationKind
from notifier.models import MailStatus

SOCKETS = Gauge("notifier_sockets", "Open WebSockets of this process")
FRAMES = Counter("notifier_frames_total", "Frames given to sockets, or dropped because they may be lost", ["outcome"])
TOO_SLOW = Counter("notifier_sockets_too_slow_total", "Sockets that were closed because they did not keep up")
MAILS = Counter(
    "notifier_mails_total", "Mails by what became of them; deferred ones are tried again", ["kind", "outcome"]
)
REMINDERS = Counter(
    "notifier_reminders_total",
    "Reminders by what became of them: raised, unwanted by every channel, late (not sent), moved, put off after an error",
    ["outcome"],
)
REMINDER_LATENESS = Histogram(
    "notifier_reminder_lateness_seconds",
    "Between the time for which a reminder was meant and its being raised",
    buckets=(1, 5, 15, 60, 300, 900, 3600, 14400),
)


def begin_counting() -> None:
    """A counter that begins with its first event has no rate then, and an alert misses it: mails are counted from 0."""
    kinds = (*get_args(EmailRequested.model_fields["kind"].annotation), *NotificationKind)
    for kind, outcome in product(kinds, ("deferred", *(set(MailStatus) - {MailStatus.SENDING}))):
        MAILS.labels(kind, outcome)
