"""The port to a language model: what it is given, what it gives back, and how it fails."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal, Protocol

from chassis.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation that a model is given."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that an answer cost. `estimated` where the provider did not say; `cost` in US dollars, None where no price is known.

    `model` is the model that wrote, which may be another than the one that was asked first.
    """

    input_tokens: int
    output_tokens: int
    estimated: bool = False
    cost: Decimal | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        if not self.input_tokens and not self.output_tokens:
            object.__setattr__(self, "cost", Decimal(0))

    def __add__(self, other: "Usage") -> "Usage":
        """What both cost together."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.estimated or other.estimated,
            None if self.cost is None or other.cost is None else self.cost + other.cost,
            other.model or self.model,
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended: complete, or cut at the limit of its length."""

    complete: bool
    usage: Usage


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON Schema that an answer is to fit. A server may know no such thing: whoever gives one reads the answer with care."""

    name: str
    schema: dict[str, Any]


class ModelFailed(Unavailable):
    """The model gave no answer, or only the beginning of one. `type` says why; all of them may be tried again.

    `cause` is for the log, `asked_to_wait` the seconds that the provider itself named.
    """

    type, title = "model-unavailable", "The language model does not answer"

    def __init__(
        self, detail: str, *, retry_after: int = 5, asked_to_wait: float | None = None, cause: object = ""
    ) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.retry_after = retry_after
        self.asked_to_wait = asked_to_wait
        self.cause = cause or detail


class ModelOverloaded(ModelFailed):
    type: ClassVar[str] = "model-overloaded"


class ModelTooSlow(ModelFailed):
    type: ClassVar[str] = "model-timeout"


class ModelBrokeOff(ModelFailed):
    type: ClassVar[str] = "model-broke-off"


class ModelDeclined(ModelFailed):
    type: ClassVar[str] = "model-declined"


class ModelMisconfigured(ModelFailed):
    type: ClassVar[str] = "model-misconfigured"


class LanguageModel(Protocol):
    """Writes an answer piece by piece: text, and at its end one `Ending`. Raises `ModelFailed`."""

    @property
    def name(self) -> str: ...

    def write(
        self, turns: Sequence[Turn], *, longest: int, shape: Shape | None = None
    ) -> AsyncGenerator[str | Ending]: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the first piece (retries included), between pieces, and for a whole answer."""

    first: float = 45.0
    between: float = 20.0
    whole: float = 120.0
