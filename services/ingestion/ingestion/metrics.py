"""What operators see of the work on documents."""

from prometheus_client import Counter

from ingestion.failures import FAILURES

FAILED = Counter(
    "ingestion_documents_failed_total", "Documents that were given up, by the reason that students are told", ["code"]
)
HINTED_AGAIN = Counter(
    "ingestion_jobs_hinted_again_total", "Documents that waited for a worker without a job, and got another"
)


def begin_counting() -> None:
    """A counter that begins with its first event has no rate then, and an alert misses it: failures are counted from 0."""
    for code in FAILURES:
        FAILED.labels(code)
