"""What operators see of imports and replays."""

from prometheus_client import Counter

UNFINISHED = "import-unfinished"
FAILED_IMPORTS = Counter(
    "flashcard_imports_failed_total",
    "Imports that failed, by the type of what is wrong with the file; import-unfinished: workers failed or died over it",
    ["code"],
)
REPLAYS_PUT_OFF = Counter(
    "flashcard_replays_put_off_total",
    "How often the replay of a deck's changed options failed, and was put off: for a lock now and then, or for its cards again and again",
)


def begin_counting() -> None:
    """A counter that begins with its first event has no rate then, and an alert misses it: failures are counted from 0."""
    FAILED_IMPORTS.labels(UNFINISHED)
