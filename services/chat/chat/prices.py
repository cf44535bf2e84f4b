"""What a provider's tokens cost."""

from dataclasses import dataclass
from decimal import Decimal

_PER = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens that a model reads, and for a million that it writes, thoughts included."""

    input: Decimal
    output: Decimal

    def of(self, input_tokens: int, output_tokens: int) -> Decimal:
        """What these tokens cost, in US dollars."""
        return (self.input * input_tokens + self.output * output_tokens) / _PER
