"""Which of the passages that may answer come first: by meaning and by words, weighed together."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ingestion.embedding import Vector, Vectors

WORDS_SHARE = 0.4
"""What the words count for; the rest is the meaning's. Anything from 0.3 to 0.5 does nearly as well (see the README)."""
STRONG_BM25 = 20.0
"""Where the best is below this, the words say little: they are few or common, or so few passages are there that none is rare."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that may answer: the cosine of its nearest sentence, and what BM25 gives it, 0 where it shares no word."""

    passage_id: UUID
    cosine: float
    bm25: float


def nearest(question: Vector, vectors: Vectors) -> float:
    """The cosine of the question and the nearest of a passage's vectors, 0 to 1."""
    return min(max(float((vectors @ question).max()), 0.0), 1.0)


def best_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """BM25 has no scale of its own, so it is measured against the best that this question gets, if that is worth a name."""
    scale = max([STRONG_BM25, *(one.bm25 for one in candidates)])

    def relevance(one: Candidate) -> float:
        return WORDS_SHARE * one.bm25 / scale + (1 - WORDS_SHARE) * one.cosine

    return sorted(candidates, key=lambda one: (-relevance(one), one.passage_id))
