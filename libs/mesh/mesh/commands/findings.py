"""What an audit finds, and how it looks twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """`says` one, `but` another says otherwise of `which`; `mend` is a command, or what to do."""

    about: str
    which: str
    says: str
    but: str
    mend: str


class Check(Protocol):
    """One thing that is looked at again until nothing of it is doubtful, or patience has run out."""

    async def look(self) -> None:
        """The first time at everything, then at what is doubtful. Raises `NotAnswered`."""

    @property
    def findings(self) -> Sequence[Finding]:
        """What is doubtful after the last look."""

    @property
    def seen(self) -> str:
        """What the first look covered."""
