"""Recall, mean reciprocal rank, and how well a score tells questions that can be answered from those that cannot."""

from collections.abc import Sequence
from dataclasses import dataclass

from .corpora import Corpus, Question, Result

DEPTH = 10
Run = Sequence[Sequence[Result]]
"""For each question what was found, best first."""


@dataclass(frozen=True, slots=True)
class Figures:
    questions: int
    recall_1: float
    recall_5: float
    mrr: float


def first_hit(corpus: Corpus, question: Question, found: Sequence[Result]) -> int | None:
    """Its rank, counted from 1."""
    ranks = (rank for rank, one in enumerate(found[:DEPTH], 1) if corpus.answers(question, one))
    return next(ranks, None)


def figures(corpus: Corpus, run: Run, book: str | None = None) -> Figures:
    """Of the questions to one book, or of all that have an answer."""
    pairs = zip(corpus.questions, run, strict=True)
    ranks = [first_hit(corpus, q, found) for q, found in pairs if q.book is not None and book in (q.book, None)]
    return Figures(
        len(ranks),
        sum(rank == 1 for rank in ranks) / len(ranks),
        sum(rank is not None and rank <= 5 for rank in ranks) / len(ranks),
        sum(1 / rank for rank in ranks if rank is not None) / len(ranks),
    )


def separation(corpus: Corpus, run: Run) -> float:
    """AUC: how often the first result of an answerable question scores above that of another; a tie is half."""
    tops = [found[0].score if found else 0.0 for found in run]
    high = [top for top, question in zip(tops, corpus.questions, strict=True) if question.book is not None]
    low = [top for top, question in zip(tops, corpus.questions, strict=True) if question.book is None]
    return sum((a > b) + 0.5 * (a == b) for a in high for b in low) / (len(high) * len(low))
