"""A passage: text that was found in a student's document, and where it stands."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Passage:
    """`text` is exactly what stands in the `part` between `start` and `end` (characters).

    A part is a page where there are pages, and then `page` says the same; else `page` is None.
    """

    id: UUID
    document_id: UUID
    document_title: str
    page: int | None
    part: int
    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where words stand: `passage` counts from 1, `start` and `end` are characters of its text."""

    passage: int
    start: int
    end: int

    def overlaps(self, other: "Place") -> bool:
        """Whether some words stand in both."""
        return self.passage == other.passage and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search found, best first. `answerable` is the search's own verdict: near enough to hold an answer."""

    passages: tuple[Passage, ...]
    answerable: bool
