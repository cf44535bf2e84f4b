"""Several providers of language models in the order in which they are asked, each behind a circuit breaker.

The next one is asked only before the first word: an answer that has begun is not begun anew behind the reader's back.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from logging import getLogger
from math import ceil
from time import monotonic

from chat import metrics
from chat.breaker import Breaker
from chat.completions import ChatCompletions
from chat.model import (
    Ending,
    ModelDeclined,
    ModelFailed,
    ModelMisconfigured,
    ModelOverloaded,
    ModelTooSlow,
    Patience,
    Shape,
    Turn,
)

log = getLogger(__name__)
# As long as a provider is waited for that asks for it, where another one can be asked instead.
A_SHORT_WAIT = 1.0
_KINDS = (
    (ModelOverloaded, "overloaded"),
    (ModelTooSlow, "too slow to begin"),
    (ModelMisconfigured, "not set up correctly"),
    (ModelDeclined, "not willing to take this question"),
    (ModelFailed, "not to be reached"),
)


@dataclass(frozen=True)
class Provider:
    """A model at one place. `label` is what logs and metrics call it."""

    label: str
    model: ChatCompletions
    breaker: Breaker = field(default_factory=Breaker)


class Providers:
    """A `LanguageModel` that is as many as are configured."""

    def __init__(
        self, providers: Sequence[Provider], patience: Patience, clock: Callable[[], float] = monotonic
    ) -> None:
        self.name = providers[0].model.name
        self._providers = providers
        self._patience = patience
        self._clock = clock
        for provider in providers:
            metrics.PROVIDER_STATE.labels(provider.label).set(provider.breaker.state)

    async def write(
        self, turns: Sequence[Turn], *, longest: int, shape: Shape | None = None
    ) -> AsyncGenerator[str | Ending]:
        """The answer of the first provider that gives one. Raises `ModelFailed`, which says what kind of failure it was."""
        failures: list[ModelFailed] = []
        started, spoke = self._clock(), False
        for place, provider in enumerate(self._providers):
            if not provider.breaker.admits(self._clock()):
                failures.append(self._skipped(provider))
                continue
            patience = self._left(self._clock() - started, len(self._providers) - place)
            try:
                async with aclosing(self._asked(provider, patience, turns, longest, shape)) as pieces:
                    async for piece in pieces:
                        spoke = True
                        yield piece
                return
            except ModelFailed as failure:
                if spoke:
                    raise
                failures.append(failure)
        raise _together(failures)

    async def _asked(
        self, provider: Provider, patience: Patience, turns: Sequence[Turn], longest: int, shape: Shape | None
    ) -> AsyncGenerator[str | Ending]:
        """One provider's answer, and what its breaker and the metrics are to know of it."""
        started, spoke, outcome = self._clock(), False, "left"
        try:
            writing = provider.model.write(turns, longest=longest, shape=shape, patience=patience)
            async with aclosing(writing) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Ending):
                        outcome = "answered"
                        provider.breaker.answered()
                    elif not spoke:
                        spoke = True
                        provider.breaker.spoke()
                        metrics.PROVIDER_FIRST_TOKEN_SECONDS.labels(provider.label).observe(self._clock() - started)
                    yield piece
        except ModelFailed as failure:
            outcome = failure.type
            self._failed(provider, failure)
            raise
        finally:
            if outcome == "left":
                provider.breaker.left()
            metrics.PROVIDER_REQUESTS.labels(provider.label, outcome).inc()
            metrics.PROVIDER_STATE.labels(provider.label).set(provider.breaker.state)

    def _failed(self, provider: Provider, failure: ModelFailed) -> None:
        if isinstance(failure, ModelDeclined):
            provider.breaker.left()  # it is the question's fault
        elif provider.breaker.failed(failure, self._clock()):
            said = log.error if isinstance(failure, ModelMisconfigured) else log.warning
            waits = provider.breaker.waits(self._clock())
            said("%s is not asked for the next %.0f s: %s", provider.label, waits, failure.cause)

    def _skipped(self, provider: Provider) -> ModelFailed:
        """Why a provider is not asked, for whoever has no answer in the end."""
        metrics.PROVIDER_REQUESTS.labels(provider.label, "skipped").inc()
        why = provider.breaker.reason or ModelFailed("The language model is being tried again. Try again in a moment.")
        return type(why)(why.detail, retry_after=max(1, ceil(provider.breaker.waits(self._clock()))))

    def _left(self, spent: float, providers: int) -> Patience:
        """The wait for the first word is one for all of them: each gets an equal share of what is left of it."""
        first = max(1.0, (self._patience.first - spent) / providers)
        return replace(self._patience, first=first, whole=max(first, self._patience.whole - spent))


def _together(failures: Sequence[ModelFailed]) -> ModelFailed:
    """One failure that says what all of them were."""
    if len({type(failure) for failure in failures}) == 1:
        return min(failures, key=lambda failure: failure.retry_after)
    kinds = Counter(next(words for kind, words in _KINDS if isinstance(failure, kind)) for failure in failures)
    said = ", ".join(f"{count} {'is' if count == 1 else 'are'} {words}" for words, count in kinds.items())
    return ModelFailed(
        f"None of the {len(failures)} language models answers: {said}. Try again in a moment.",
        retry_after=min(failure.retry_after for failure in failures),
    )
