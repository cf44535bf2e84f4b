"""The words of texts, weighed as BM25 does it, for the lexical half of search.

A word counts by its form and by its English stem. Forms are what every language has; stems let an English question find
another inflection of its words, and where they mean nothing they do no harm. Text without spaces is cut into words, too.
"""

from dataclasses import dataclass
from functools import cache

from qdrant_edge import Bm25, Bm25Config, DisabledStemmer, SparseVector, TokenizerType


@dataclass(frozen=True, slots=True)
class Words:
    """A sparse vector: `numbers` stand for words and ascend, `weights` say how much each counts."""

    numbers: list[int]
    weights: list[float]


def passage_words(text: str) -> Words:
    """What a passage can be found by; repetition counts ever less, and a long text's words count less."""
    return _joined([model.embed_document(text) for model in _models()])


def question_words(text: str) -> Words:
    """What a question asks for: each of its words once."""
    return _joined([model.embed_query(text) for model in _models()])


@cache
def _models() -> tuple[Bm25, Bm25]:
    forms = Bm25Config(language="english", tokenizer=TokenizerType.Multilingual, stemmer=DisabledStemmer())
    stems = Bm25Config(language="english")
    return Bm25(forms), Bm25(stems)


def _joined(parts: list[SparseVector]) -> Words:
    weights: dict[int, float] = {}
    for part in parts:
        for number, weight in zip(part.indices, part.values, strict=True):
            weights[number] = max(weight, weights.get(number, 0.0))
    numbers = sorted(weights)
    return Words(numbers, [weights[number] for number in numbers])
