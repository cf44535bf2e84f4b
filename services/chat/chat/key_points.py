"""What the material says of a concept, boiled down to the sentences that an explanation should not leave out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chat.definitions import definition_form
from chat.excerpts import Candidate, Excerpt, candidates_of, excerpt_of, is_item
from chat.offline import fitness
from chat.passages import Passage, Place
from chat.questions import Kind
from chat.sentences import Sentence
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
_ASIDE = 0.4
# To the reader, or in somebody's mouth.
_SPEAKS_ASIDE = re.compile(
    r"\b(?:we|us|our|you|yours?|let[’']s|wrote|writes|said|says)\b|[“\"][^“”\"]{25,}[”\"]", re.IGNORECASE
)
_FEWEST_AT_HOME, _LONGEST_HEADING = 3, 9
_JOINT = re.compile(r"\s+(?:and|or|vs\.?|versus)\s+|\s*[,/]\s*", re.IGNORECASE)
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
    spoken = [one for one in passages if speaks_of(concept, one) or _is_titled(concept, one)] or passages[:_NEAREST]
    told = [c for c in candidates_of(passages) if c.passage in spoken and _may_be_a_point(c)]
    candidates = _at_home(concept, told)
    ranked = sorted(((_importance(concept, c, candidates), c) for c in candidates), key=lambda pair: -pair[0])
    picked: list[tuple[Candidate, Excerpt]] = []
    for importance, candidate in ranked:
        if len(picked) == MOST_POINTS or importance < _WORTH * ranked[0][0]:
            break
        excerpt = excerpt_of(candidate, Kind.REASON)
        if all(_differs(candidate, other) and not excerpt.overlaps(taken) for other, taken in picked):
            picked.append((candidate, excerpt))
    return [Point(" ".join(e.text.split()), Place(e.number, e.start, e.end)) for _, e in picked]


def _parts(concept: str) -> list[str]:
    """*TCP* and *UDP* of "TCP and UDP"."""
    return [part for part in _JOINT.split(concept) if part.strip()] or [concept]


def _names(concept: str, text: str) -> bool:
    """Whether a text names the concept, or one of those that are explained together."""
    held = frozenset(terms(text))
    return any(concept_terms(part) <= held for part in _parts(concept))


def _is_titled(concept: str, passage: Passage) -> bool:
    """Whether the whole document is about the concept, as its title says."""
    return concept_terms(concept) <= frozenset(terms(re.sub(r"[-_]+", " ", passage.document_title)))


def _at_home(concept: str, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """What stands where the concept is spoken of: under headings that name it, else under those below which it is named."""
    naming = [c for c in candidates if _names(concept, c.text)]
    headed = [c for c in candidates if (head := _heading(c)) is not None and _names(concept, head.text)]
    sections = {_section(c) for c in headed or naming}
    at_home = [c for c in candidates if _section(c) in sections or c in naming]
    return at_home if len(at_home) >= _FEWEST_AT_HOME else candidates


def _section(candidate: Candidate) -> tuple[object, int | None]:
    heading = _heading(candidate)
    return candidate.passage.id, heading.start if heading is not None else None


def _heading(candidate: Candidate) -> Sentence | None:
    """What a sentence stands under."""
    before = (candidate.among[place] for place in range(candidate.place - 1, -1, -1))
    return next((sentence for sentence in before if _is_heading(sentence)), None)


def _is_heading(sentence: Sentence) -> bool:
    return not sentence.closed and not is_item(sentence) and len(sentence.text.split()) <= _LONGEST_HEADING


def _may_be_a_point(candidate: Candidate) -> bool:
    sentence = candidate.sentence
    return (
        (sentence.closed or is_item(sentence))
        and not sentence.asks
        and len(candidate.terms) >= _FEWEST_TERMS
        and len(candidate.text) <= _LONGEST
    )


def _importance(concept: str, candidate: Candidate, among: Sequence[Candidate]) -> float:
    named = dict.fromkeys(concept_terms(concept), 1.0)
    defines = max(definition_form(part, candidate.text) for part in _parts(concept))
    score = 0.8 * defines + 0.2 * coverage(named, candidate.terms)
    score += 0.2 * coverage(named, candidate.context) + 0.4 / (1 + candidate.rank)
    score += 0.5 * _centrality(candidate, among)
    score += 0.15 if _CUE.search(candidate.text) else 0.0
    return score * fitness(candidate) * (_ASIDE if _SPEAKS_ASIDE.search(candidate.text) else 1.0)


def _centrality(candidate: Candidate, among: Sequence[Candidate]) -> float:
    """How much of a sentence others speak of, too: what a text returns to is what it is about."""
    others = [other.terms for other in among if other is not candidate]
    return sum(any(term in held for held in others) for term in candidate.terms) / len(candidate.terms)


def _differs(candidate: Candidate, other: Candidate) -> bool:
    """Whether it says something else, or stands beside it: a text does not say the same twice in a row, two documents do."""
    fresh = len(candidate.terms - other.terms) / len(candidate.terms)
    return fresh >= (_FRESH_BESIDE if candidate.passage.id == other.passage.id else _FRESH)
