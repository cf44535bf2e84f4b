"""What operators see of sockets and mail."""

from prometheus_client import Counter, Gauge

SOCKETS = Gauge("notifier_sockets", "Open WebSockets of this process")
FRAMES = Counter("notifier_frames_total", "Frames given to sockets, or dropped because they may be lost", ["outcome"])
TOO_SLOW = Counter("notifier_sockets_too_slow_total", "Sockets that were closed because they did not keep up")
MAILS = Counter(
    "notifier_mails_total", "Mails by what became of them; deferred ones are tried again", ["kind", "outcome"]
)
