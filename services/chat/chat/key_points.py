"""What the material says of a concept, boiled down to the sentences that an explanation should not leave out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chat.definitions import definition_form
from chat.excerpts import Candidate, Excerpt, candidates_of, excerpt_of
from chat.offline import fitness
from chat.passages import Passage, Place
from chat.questions import Kind
from chat.terms import coverage, question_terms, stem, terms, word_set, words

MOST_POINTS = 8
_NEAREST = 1
_WORTH = 0.25  # of the best one's importance
_FRESH, _FRESH_BESIDE = 0.5, 0.2
_ASPECTS = frozenset(
    map(
        stem,
        word_set("cause causes effect effects process law theory concept role function reason reasons type types idea"),
    )
)
_FEWEST_TERMS = 3
_LONGEST = 400
_CUE = re.compile(
    r"\b(?:because|therefore|thus|so that|due to|caus\w+|leads? to|results? in|requires?|depends? on|consists? of|called|known as"
    r"|first|then|finally|whereas|while|unlike|in contrast|by contrast|but|only|not|never|always|most|if|when)\b|\d",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Point:
    """A key point in the material's own words."""

    text: str
    place: Place


def concept_terms(concept: str) -> frozenset[str]:
    """The stems that name a concept; "causes of" and the like are beside the point, where more is named."""
    named = frozenset(question_terms(concept)) or frozenset(stem(word) for word in words(concept))
    return named - _ASPECTS or named


def speaks_of(concept: str, passage: Passage) -> bool:
    """Whether a passage names the concept."""
    named = concept_terms(concept)
    return bool(named) and len(named & frozenset(terms(passage.text))) > 0.5 * len(named)


def key_points(concept: str, passages: Sequence[Passage]) -> list[Point]:
    """The key points of the passages that speak of the concept (or of the nearest, where none does), the most important first."""
    spoken = [passage for passage in passages if speaks_of(concept, passage)] or passages[:_NEAREST]
    candidates = [c for c in candidates_of(passages) if c.passage in spoken and _may_be_a_point(c)]
    ranked = sorted(((_importance(concept, c, candidates), c) for c in candidates), key=lambda pair: -pair[0])
    picked: list[tuple[Candidate, Excerpt]] = []
    for importance, candidate in ranked:
        if len(picked) == MOST_POINTS or importance < _WORTH * ranked[0][0]:
            break
        excerpt = excerpt_of(candidate, Kind.REASON)
        if all(_differs(candidate, other) and not excerpt.overlaps(taken) for other, taken in picked):
            picked.append((candidate, excerpt))
    return [Point(" ".join(e.text.split()), Place(e.number, e.start, e.end)) for _, e in picked]


def _may_be_a_point(candidate: Candidate) -> bool:
    sentence = candidate.sentence
    return (
        sentence.closed
        and not sentence.asks
        and len(candidate.terms) >= _FEWEST_TERMS
        and len(candidate.text) <= _LONGEST
    )


def _importance(concept: str, candidate: Candidate, among: Sequence[Candidate]) -> float:
    named = dict.fromkeys(concept_terms(concept), 1.0)
    score = 0.8 * definition_form(concept, candidate.text) + 0.2 * coverage(named, candidate.terms)
    score += 0.2 * coverage(named, candidate.context) + 0.4 / (1 + candidate.rank)
    score += 0.5 * _centrality(candidate, among)
    score += 0.15 if _CUE.search(candidate.text) else 0.0
    return score * fitness(candidate)


def _centrality(candidate: Candidate, among: Sequence[Candidate]) -> float:
    """How much of a sentence others speak of, too: what a text returns to is what it is about."""
    others = [other.terms for other in among if other is not candidate]
    return sum(any(term in held for held in others) for term in candidate.terms) / len(candidate.terms)


def _differs(candidate: Candidate, other: Candidate) -> bool:
    """Whether it says something else, or stands beside it: a text does not say the same twice in a row, two documents do."""
    fresh = len(candidate.terms - other.terms) / len(candidate.terms)
    return fresh >= (_FRESH_BESIDE if candidate.passage.id == other.passage.id else _FRESH)
