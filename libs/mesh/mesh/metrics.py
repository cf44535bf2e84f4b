"""What operators watch; `helm/studyteddy/alerts.yaml` says of what they are told.

A counter that begins with its first event has no rate then, and an alert misses it: whoever counts begins at 0.
"""

from prometheus_client import Counter, Gauge, Histogram

OUTBOX_DEPTH = Gauge("mesh_outbox_depth", "Events that wait to be published", ["service"])
OUTBOX_AGE = Gauge("mesh_outbox_age_seconds", "How long the oldest of them has waited", ["service"])
PUBLISHED = Counter("mesh_published_total", "Events that the broker has confirmed", ["service", "type"])
UNROUTABLE = Counter("mesh_unroutable_total", "Events that nobody takes", ["service", "type"])
LEASES_LOST = Counter("mesh_outbox_leases_lost_total", "Rows published after their lease had run out", ["service"])

# Every relay of a service reports what it sees of the same queues: take the largest, never the sum.
QUEUE_DEPTH = Gauge("mesh_queue_depth", "Messages that wait in a consumer's queue", ["consumer"])
QUEUE_CONSUMERS = Gauge("mesh_queue_consumers", "Processes that take from a consumer's queue", ["consumer"])
DEAD_LETTER_DEPTH = Gauge("mesh_dead_letter_depth", "Dead letters that lie there", ["consumer"])

CONSUMER_READY = Gauge(
    "mesh_consumer_ready", "Whether a service's subscriptions are all served by this process", ["service"]
)
CONSUMED = Counter("mesh_consumed_total", "Events whose handler succeeded", ["consumer"])
INBOX_HITS = Counter("mesh_inbox_hits_total", "Repeated deliveries that changed nothing", ["consumer"])
RETRIES = Counter("mesh_retries_total", "Failed tries that will be repeated", ["consumer"])
REASONS = ("unreadable", "permanent", "exhausted")
DEAD_LETTERS = Counter("mesh_dead_letters_total", "Messages given up, by reason", ["consumer", "reason"])
IN_HAND = Gauge("mesh_messages_in_hand", "Messages that this process was given and has not settled", ["consumer"])
DROPPED = Counter("mesh_broadcasts_dropped_total", "Broadcasts whose handler failed", ["consumer"])
HANDLER_SECONDS = Histogram(
    "mesh_handler_seconds",
    "Time in a handler, its transaction included",
    ["consumer"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 120),
)

EPHEMERAL_SENT = Counter("mesh_ephemeral_sent_total", "Ephemeral messages given to the broker", ["service"])
EPHEMERAL_DROPS = Counter("mesh_ephemeral_drops_total", "Ephemeral messages lost before the broker", ["service"])
