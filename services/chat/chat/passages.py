"""A passage: text that was found in a student's document, and where it stands."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Passage:
    """`text` is exactly what stands on the page between `start` and `end` (characters). `page` is None without pages."""

    id: UUID
    document_id: UUID
    document_title: str
    page: int | None
    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search found, best first. `answerable` is the search's own verdict: near enough to hold an answer."""

    passages: tuple[Passage, ...]
    answerable: bool
