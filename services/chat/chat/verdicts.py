"""What the material says to a claim: it supports it, contradicts it, or does not speak of it.

Telling a student that right is wrong is the worst that can happen here. So a contradiction needs a place that speaks of almost all
that is claimed, an odd number of twists in it, and no place nearly as near that says what is claimed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from chat.alignment import Alignment, align
from chat.lexicon import is_verb
from chat.passages import Passage, Place
from chat.sentences import Sentence, sentences
from chat.terms import weights
from chat.wording import Reading, Word, read


class Verdict(StrEnum):
    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNSPOKEN = "not_spoken_of"


SUPPORTING = 0.6
SUPPORTING_ANOTHER = 0.75  # where what the claim is about has another name in the text, or is something else
CONTRADICTING = 0.78
_RIVAL = 0.1
_LIGHT = 0.25
_CONCEPT = 0.35
_UNKNOWN = 0.7  # a word that the material does not use at all may be another word for what it says
_OPPOSITION_COSTS = 0.04


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of a passage that says one thing: a piece of a sentence, a sentence, or one with the sentence before.

    `place` is that of the whole sentences. What is larger costs more: words that stand further apart have less to do with each other.
    """

    place: Place
    reading: Reading
    cost: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a claim, and where it was found. `twist` says by what the two contradict each other."""

    verdict: Verdict
    place: Place | None = None
    twist: str | None = None


class Another(StrEnum):
    """A text that speaks of something else than the claim does."""

    THING = "another thing"
    CONTRASTED = "said of what it is contrasted with"


class Evidence:
    """Passages, read once, against which claims are judged. `concept` is what they are asked about."""

    def __init__(self, passages: Sequence[Passage], concept: str = "") -> None:
        self.units = [unit for number, passage in enumerate(passages, 1) for unit in _units(number, passage)]
        whole = [unit.reading.bases for unit in self.units if unit.cost == _WHOLE]
        self._known = frozenset().union(*whole) if whole else frozenset()
        self._sentences = whole
        self._concept = read(concept).bases
        self._weights: dict[str, float] = {}

    def judge(self, claim: str) -> Judgement:
        """The verdict on a claim."""
        reading = read(claim)
        weighed = self.weighing(reading)
        if sum(weighed(word) for word in reading.words) < _LEAST_TO_JUDGE:
            return Judgement(Verdict.UNSPOKEN)
        lead = leading(reading)
        aligned = [(align(reading, unit.reading, weighed), unit) for unit in self.units]
        kept = []
        for alignment, unit in aligned:
            if (another := self._speaks_of_another(lead, alignment, unit.reading)) is Another.CONTRASTED:
                alignment.twists.append(another.value)
            if another is not Another.THING:
                kept.append((alignment, unit))
        return _decide(kept, weighed, lead)

    def _speaks_of_another(self, lead: Sequence[Word], alignment: Alignment, text: Reading) -> "Another | None":
        """Whether the text says it of something else than the claim; and if so, in contrast to that."""
        if piece := torn(lead, alignment, text):
            return Another.CONTRASTED if _contrasts(text, piece) else Another.THING
        missing = [word for word in lead if word in alignment.missing and not word.light]
        if any(word.base in self._known and word.base not in self._concept for word in missing):
            return Another.THING
        if any(word.base in self._concept for word in missing) and "contrast" in text.tokens:
            matched = set(alignment.matched.values())
            if any(word not in matched and not word.light for word in leading(text)):
                return Another.CONTRASTED
        return None

    def weighing(self, claim: Reading) -> "Weighing":
        """How much the words of a claim matter, beside these passages."""
        fresh = claim.bases - self._weights.keys()
        self._weights |= weights(fresh, self._sentences)
        return Weighing(self._weights, self._known, self._concept)


_PIECE, _WHOLE, _PAIR = 0.0, 0.03, 0.1
_LEAST_TO_JUDGE = 0.5


@dataclass(frozen=True, slots=True)
class Weighing:
    """How much a word of a claim matters."""

    rarity: Mapping[str, float]
    known: frozenset[str]
    concept: frozenset[str]

    def __call__(self, word: Word) -> float:
        weight = self.rarity[word.base]  # of what the material does not know: as much as of its rarest
        if word.base in self.concept:
            return weight * _CONCEPT
        if word.light:
            return weight * _LIGHT
        return weight if word.base in self.known or word.number is not None else weight * _UNKNOWN


_CONTRASTS = frozenset(("whereas", "while", "but", ";"))
_COORDINATES = _CONTRASTS | {"and"}
_BE = frozenset(("is", "are", "was", "were", "has", "have", "had", "can", "may", "must", "do", "does", "did", "will"))


def leading(reading: Reading) -> list[Word]:
    """The words before the first verb: what a sentence is about, and where or when."""
    first = min(
        (word.place for word in reading.words if is_verb(word.text) and word is not reading.words[0]),
        default=len(reading.tokens),
    )
    auxiliary = next((place for place, token in enumerate(reading.tokens) if token in _BE), first)
    return [word for word in reading.words if word.place < min(first, auxiliary)]


def torn(lead: Sequence[Word], alignment: Alignment, text: Reading) -> Sequence[Word]:
    """The later of two clauses, where the claim takes what it is about from one and what it says of it from the other.

    Both say something of their own: "the nobility paid no taxes, while the third estate carried the burden" does not say that the
    third estate paid none.
    """
    places = {word.place for word in lead}
    about = {match for place, match in alignment.matched.items() if place in places and not match.light}
    said = {match for place, match in alignment.matched.items() if place not in places and not match.light}
    pieces, others = {word.segment for word in about}, {word.segment for word in said}
    if len(pieces) != 1 or not others or pieces & others:
        return ()
    home, foreign = (
        _piece(text, min(pieces)),
        _piece(text, max(others, key=lambda n: sum(w.segment == n for w in said))),
    )
    later = max(home, foreign, key=lambda piece: piece[0].place)
    if not _COORDINATES.intersection(_joint(text, later)) or not _predicates(home, text):
        return ()
    if later is home:
        return later if home[0] in about else ()
    return later if foreign[0] not in said and not is_verb(foreign[0].text) else ()


def _piece(text: Reading, segment: int) -> list[Word]:
    return [word for word in text.words if word.segment == segment]


def _joint(text: Reading, piece: Sequence[Word]) -> Sequence[str]:
    """What stands between a piece and the one before."""
    before = max((word.place for word in text.words if word.segment < piece[0].segment), default=piece[0].place - 1)
    return text.tokens[before + 1 : piece[0].place]


def _contrasts(text: Reading, piece: Sequence[Word]) -> bool:
    return bool(_CONTRASTS.intersection(_joint(text, piece)))


def _predicates(piece: Sequence[Word], text: Reading) -> bool:
    tokens = text.tokens[piece[0].place : piece[-1].place + 1]
    return any(is_verb(word.text) for word in piece) or bool(_BE.intersection(tokens))


def _decide(aligned: Sequence[tuple[Alignment, Unit]], weighed: Weighing, lead: Sequence[Word]) -> Judgement:
    def near(pair: tuple[Alignment, Unit]) -> float:
        alignment, unit = pair
        return alignment.coverage - unit.cost - _OPPOSITION_COSTS * alignment.oppositions

    saying = max((pair for pair in aligned if not pair[0].twists), key=near, default=None)
    denying = max((pair for pair in aligned if pair[0].twists), key=near, default=None)
    said = near(saying) if saying else 0.0
    denied = near(denying) if denying else 0.0
    if denying and denying[0].coverage >= CONTRADICTING and denied > said:
        elsewhere = (pair for pair in aligned if not pair[0].twists and not pair[1].place.overlaps(denying[1].place))
        if denied > _RIVAL + max(map(near, elsewhere), default=0.0):
            return _judgement(Verdict.CONTRADICTED, *denying)
    unnamed = saying and any(word in saying[0].missing and not word.light for word in lead)
    if saying and saying[0].coverage >= (SUPPORTING_ANOTHER if unnamed else SUPPORTING) and said >= denied:
        return _judgement(Verdict.SUPPORTED, *saying)
    return Judgement(Verdict.UNSPOKEN)


def _judgement(verdict: Verdict, alignment: Alignment, unit: Unit) -> Judgement:
    twist = alignment.twists[0] if alignment.twists else None
    return Judgement(verdict, unit.place, twist)


def _units(number: int, passage: Passage) -> Iterator[Unit]:
    before: Sentence | None = None
    for sentence in sentences(passage.text):
        reading, place = read(sentence.text), Place(number, sentence.start, sentence.end)
        yield Unit(place, reading, _WHOLE)
        for piece in _pieces(reading):
            yield Unit(place, piece, _PIECE)
        if before is not None and before.block == sentence.block and _POINTS_BACK.match(sentence.text):
            yield Unit(Place(number, before.start, sentence.end), read(f"{before.text} {sentence.text}"), _PAIR)
        before = sentence


_FEWEST_WORDS = 3
_POINTS_BACK = re.compile(
    r"\W*(?:(?:in|by|for|with) )?(?:this|these|those|they|it|he|she|such|its|their|his|her|both)\b", re.IGNORECASE
)


def _pieces(reading: Reading) -> Iterator[Reading]:
    """What stands between commas and joints, where it says something by itself; and two of these together."""
    numbers = sorted({word.segment for word in reading.words})
    if len(numbers) < 2:
        return
    for first, second in [(n, n) for n in numbers] + [(a, b) for a, b in pairwise(numbers) if b - a == 1]:
        words = [word for word in reading.words if word.segment in (first, second)]
        if len(words) >= _FEWEST_WORDS and len(words) < len(reading.words):
            yield Reading(words, reading.tokens)
