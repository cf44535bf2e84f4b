"""What operators see of answers."""

from prometheus_client import Counter, Gauge, Histogram

from chat.model import Usage
from chat.studying import Answered

ANSWERS = Counter("chat_answers_total", "Answers given", ["model", "grounded"])
FAILURES = Counter("chat_answer_failures_total", "Answers that failed, by problem type", ["type"])
TOKENS = Counter("chat_model_tokens_total", "Tokens that answers and cards cost", ["model", "direction"])
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 45, 90, 180)
FIRST_TOKEN_SECONDS = Histogram("chat_first_token_seconds", "From the question to its first word", buckets=_SECONDS)
ANSWER_SECONDS = Histogram("chat_answer_seconds", "From the question to its whole answer", buckets=_SECONDS)
COST = Counter("chat_model_cost_dollars_total", "What answers and cards cost, where the price is known", ["model"])
PROPOSED = Counter("chat_cards_proposed_total", "Cards that were proposed", ["model"])
PROVIDER_REQUESTS = Counter(
    "chat_provider_requests_total",
    "Requests to a provider: answered, left by whoever asked, skipped by its breaker, or the type of the failure",
    ["provider", "outcome"],
)
PROVIDER_STATE = Gauge("chat_provider_state", "Its breaker: 0 closed, 1 half open, 2 open", ["provider"])
PROVIDER_FIRST_TOKEN_SECONDS = Histogram(
    "chat_provider_first_token_seconds", "From the request to the first word", ["provider"], buckets=_SECONDS
)


def count(answered: Answered, seconds: float) -> None:
    """One more answer."""
    model = answered.usage.model or answered.model or "offline"
    ANSWERS.labels(model, str(bool(answered.citations)).lower()).inc()
    _count_cost(model, answered.usage)
    ANSWER_SECONDS.observe(seconds)


def count_proposed(cards: int, model: str | None, usage: Usage) -> None:
    """Cards were proposed."""
    PROPOSED.labels(model or "offline").inc(cards)
    _count_cost(model or "offline", usage)


def _count_cost(model: str, usage: Usage) -> None:
    TOKENS.labels(model, "in").inc(usage.input_tokens)
    TOKENS.labels(model, "out").inc(usage.output_tokens)
    if usage.cost is not None:
        COST.labels(model).inc(float(usage.cost))
