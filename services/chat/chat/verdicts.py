"""What the material says to a claim: it supports it, contradicts it, or does not speak of it.

Telling a student that right is wrong is the worst that can happen here. So a contradiction needs a place with an odd number of twists,
and none nearer that says what is claimed. Whether that is enough, the signs tell together.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from chat.alignment import NOT, Alignment, align
from chat.attribution import contrasts, exchanges_objects, gapped, leading, mixed, renamed, torn
from chat.comparisons import incomparable
from chat.identities import unlinked
from chat.lexicon import directs, opposed
from chat.passages import Passage, Place
from chat.sentences import Sentence, sentences
from chat.signs import Signs, likelihood
from chat.strictness import evades, falls_short, names_in, partial, points
from chat.terms import weights
from chat.wording import Reading, Word, negates, read


class Verdict(StrEnum):
    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNSPOKEN = "not_spoken_of"


# How likely a verdict has to be before it is told. Half of the claims that the points were fitted to are of what the material lacks,
# more than students make: what they take for one in three is likelier.
SUPPORTING, CONTRADICTING = 0.25, 0.35
SUPPORTING_NOWHERE = 0.5  # where no place was found that bears the claim out by itself
_LIGHT = 0.25
_CONCEPT = 0.35
_UNKNOWN = 0.7  # a word that the material does not use at all may be another word for what it says
_OPPOSITION_COSTS = 0.04
_COMPARING = ("more", "less", "few", "fewer")  # what is compared may be told by *proportional*, too
# of what a claim is about may be missing where the text says it, though the material uses the words elsewhere
_MOST_STRANGE = 0.3


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of a passage that says one thing: a piece of a sentence, a sentence, or one with the sentence before.

    `place` is that of the whole sentences. What is larger costs more: words that stand further apart have less to do with each other.
    """

    place: Place
    reading: Reading
    bases: frozenset[str]
    cost: float
    before: Set[str]  # what the passage has named before it


_Pair = tuple[Alignment, Unit]


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
        whole = [unit.bases for unit in self.units if unit.cost == _WHOLE]
        self._known = frozenset().union(*whole) if whole else frozenset()
        self._sentences = whole
        self._concept = read(concept).bases
        self._names = frozenset().union(*(names_in(passage.text) for passage in passages))
        self._weights: dict[str, float] = {}

    def judge(self, claim: str) -> Judgement:
        """The verdict on a claim."""
        found = self._found(claim)
        if found is None:
            return Judgement(Verdict.UNSPOKEN)
        return _decide(found, found.sound[1].place if found.sound is not None else self.nearest(claim))

    def signs(self, claim: str) -> Signs | None:
        """What the verdict on a claim is decided by; None where the claim says too little."""
        found = self._found(claim)
        return found.signs if found is not None else None

    def _found(self, claim: str) -> "_Found | None":
        """What the material has of a claim; None where that says too little."""
        reading = read(claim)
        weighed = self.weighing(reading)
        if sum(weighed(word) for word in reading.words) < _LEAST_TO_JUDGE:
            return None
        lead = leading(reading)
        kept, contrasted = list[_Pair](), set[Place]()
        names = self._named(claim, lead)
        pairs = [(align(reading, unit.reading, weighed), unit) for unit in self._near(reading, weighed, _LEAST_SHARED)]
        whole = [alignment for alignment, unit in pairs if unit.cost == _WHOLE]
        for alignment, unit in pairs:
            if alignment.literal:
                return _Found(reading, weighed, [(alignment, unit)], whole)
            unnamed = names - unit.before if points(unit.reading) else names
            alignment.short |= falls_short(reading, alignment, unit.reading, unnamed, self._known)
            if _tells(reading, lead, (alignment, unit), weighed, contrasted):
                kept.append((alignment, unit))
        # A piece of such a sentence, alone, does not tell of what it speaks.
        telling = [pair for pair in kept if pair[0].twists or pair[1].place not in contrasted]
        return _Found(reading, weighed, telling, whole)

    def nearest(self, claim: str) -> Place | None:
        """The sentence that shares most with a claim on which there is no verdict, if any shares enough to be worth reading."""
        reading = read(claim)
        weighed = self.weighing(reading)
        whole = [unit for unit in self._near(reading, weighed, _LEAST_WORTH_READING) if unit.cost == _WHOLE]
        return whole[0].place if whole else None

    def _named(self, claim: str, lead: Sequence[Word]) -> Set[str]:
        """The names that a text has to have: not that of the concept, nor one that may stand for another.

        "With the Truman Doctrine America promised": it is of the subject, which has another name that is known.
        """
        about = {word.base for word in lead}
        aliases = about - self._known if about & self._known else frozenset[str]()
        return (self._names | names_in(claim)) - self._concept - aliases

    def _near(self, claim: Reading, weighed: "Weighing", least_shared: float) -> list[Unit]:
        """The units that share most words with the claim: to lay it against all of them takes seconds."""
        rated = [(sum(weighed(w) for w in claim.words if w.base in unit.bases), unit) for unit in self.units]
        least = least_shared * sum(map(weighed, claim.words))
        nearest = sorted((pair for pair in rated if pair[0] >= least), key=lambda pair: -pair[0])
        return [unit for _, unit in nearest[:_MOST_UNITS]]

    def weighing(self, claim: Reading) -> "Weighing":
        """How much the words of a claim matter, beside these passages."""
        fresh = claim.bases - self._weights.keys()
        self._weights |= weights(fresh, self._sentences)
        # What only a part of the concept names tells that from its other parts: "UDP" of "TCP and UDP".
        concept = self._concept if len(self._concept) == 1 or self._concept <= claim.bases else frozenset[str]()
        return Weighing(self._weights, self._known, concept)


_PIECE, _WHOLE, _PAIR = 0.0, 0.03, 0.1
_LEAST_TO_JUDGE = 0.5
_LEAST_SHARED, _LEAST_WORTH_READING, _MOST_UNITS = 0.2, 0.4, 60


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


def _tells(claim: Reading, lead: Sequence[Word], pair: _Pair, weighed: Weighing, contrasted: set[Place]) -> bool:
    """Whether a stretch speaks of what is claimed. Where it says that only in contrast, its place is put to the `contrasted`."""
    alignment, unit = pair
    # Where a text speaks of another kind, or both of some only, one does not deny the other.
    some = NOT in alignment.twists and (partial(claim, unit.reading) or evades(claim, unit.reading))
    if some or (alignment.twists and renamed(lead, alignment, unit.reading)):
        return False
    another = _speaks_of_another(claim, lead, alignment, unit.reading, weighed)
    if another is Another.CONTRASTED and (alignment.twists or alignment.denies(claim)):
        return False  # what is denied of one thing, and said of the other
    if another is Another.CONTRASTED:
        alignment.twists.append(another.value)
        contrasted.add(unit.place)
    elif (opposites := mixed(claim, alignment, unit.reading)) is not None:
        alignment.twists.append(opposites)
        contrasted.add(unit.place)
    # A piece that counts something else is not where the claim comes from.
    if exchanges_objects(alignment, unit.reading) and not alignment.misnumbered:
        contrasted.add(unit.place)
    return another is not Another.THING


def _speaks_of_another(
    claim: Reading, lead: Sequence[Word], alignment: Alignment, text: Reading, weighed: Weighing
) -> Another | None:
    """Whether the text says it of something else than the claim; and if so, in contrast to that."""
    if gapped(claim, alignment, text):
        return Another.CONTRASTED
    if piece := torn(claim, lead, alignment, text):
        return Another.CONTRASTED if contrasts(text, piece) else Another.THING
    missing = [word for word in lead if word in alignment.missing and not word.light]
    strange = [word for word in missing if word.base in weighed.known and word.base not in weighed.concept]
    if (
        sum(map(weighed, strange)) > _MOST_STRANGE * sum(map(weighed, lead))
        or renamed(claim.words, alignment, text, weighed.known)
        or renamed(lead, alignment, text)
        or exchanges_objects(alignment, text)
        or _speaks_of_the_other(lead, alignment)
        or _leaves_out(claim, lead, alignment, weighed.known)
        or incomparable(claim, text, alignment.missing)
        or unlinked(claim, lead, alignment, text)
    ):
        return Another.THING
    unnamed = "contrast" in text.tokens and any(word.base in weighed.concept for word in missing)
    if unnamed and any(not alignment.holds(word) and not word.light for word in leading(text)):
        return Another.CONTRASTED
    return None


def _speaks_of_the_other(lead: Sequence[Word], alignment: Alignment) -> bool:
    """Whether the text speaks of the counterpart of what the claim is about: of supply, where that speaks of demand."""
    pairs = [(word, alignment.matched[word.place]) for word in lead if word.place in alignment.matched]
    strong = [pair for pair in pairs if not pair[0].light][-2:]
    beside = len(strong) > 1 and all(behind.place - before.place == 1 for before, behind in zip(*strong, strict=True))
    kind = beside and not alignment.twists and all(one.negated == other.negated for one, other in strong)
    named = strong if kind else strong[-1:]  # "warm currents grow" does not say that cold currents shrink
    return any(opposed(one.base, other.base) and not directs(one.base) for one, other in named)


def _leaves_out(claim: Reading, lead: Sequence[Word], alignment: Alignment, known: Set[str]) -> bool:
    """Whether nothing of what is claimed stands there, or of its direction: only what it is about does."""
    missing = alignment.missing
    said = [word for word in claim.words if word not in lead and not word.light]
    directions = [word for word in claim.words if directs(word.base) and word.text not in _COMPARING]
    unsaid = bool(said) and all(word in missing and word.base in known for word in said)
    return unsaid or (bool(directions) and all(word in missing for word in directions))


@dataclass(frozen=True, slots=True)
class _Found:
    """What the material has of a claim: the places that speak of it, and how it lies against each whole sentence."""

    claim: Reading
    weighed: Weighing
    pairs: Sequence[_Pair]
    whole: Sequence[Alignment]

    @property
    def literal(self) -> _Pair | None:
        """Where the claim stands word for word."""
        return next((pair for pair in self.pairs if pair[0].literal), None)

    @property
    def denying(self) -> _Pair | None:
        """The place that says the opposite, and most of what is claimed."""
        return max((pair for pair in self.pairs if pair[0].twists), key=_near, default=None)

    @property
    def sound(self) -> _Pair | None:
        """The place that bears the claim out best."""
        short = {unit.place for alignment, unit in self.pairs if alignment.short and unit.cost == _WHOLE}
        plain = (pair for pair in self.pairs if not pair[0].twists and not pair[0].short)
        return max((pair for pair in plain if pair[1].place not in short), key=_near, default=None)

    @property
    def signs(self) -> Signs:
        """What speaks for each verdict."""
        words, denying, sound = self.claim.words, self.denying, self.sound
        known = sum(self.weighed(word) for word in words if word.base in self.weighed.known)
        nearest = max(self.whole, key=lambda alignment: alignment.coverage, default=None)
        return Signs(
            known=known / sum(map(self.weighed, words)),
            words=len(words),
            denies=any(map(negates, self.claim.tokens)),
            sound=max(0.0, _near(sound)) if sound else 0.0,
            denied=_near(denying) if denying else 0.0,
            twists=len(denying[0].twists) if denying else 0,
            missing=sum(not word.light for word in (nearest.missing if nearest else words)),
            number=denying is not None and denying[0].misnumbered,
            by_denial=denying is not None and NOT in denying[0].twists,
        )


def _near(pair: _Pair) -> float:
    alignment, unit = pair
    return alignment.coverage - unit.cost - _OPPOSITION_COSTS * len(alignment.contrary)


def _decide(found: _Found, place: Place | None) -> Judgement:
    """The verdict, and where it is found. `place` is what bears the claim out; where nothing does by itself, what comes nearest."""
    if found.literal is not None:
        return Judgement(Verdict.SUPPORTED, found.literal[1].place)
    likely, sound, denying = likelihood(found.signs), found.sound, found.denying
    said = _near(sound) if sound is not None else 0.0
    if denying is not None and _near(denying) > said and likely.contradicted >= CONTRADICTING:
        return Judgement(Verdict.CONTRADICTED, denying[1].place, denying[0].twists[0])
    if place is not None and likely.supported >= (SUPPORTING if sound is not None else SUPPORTING_NOWHERE):
        return Judgement(Verdict.SUPPORTED, place)
    return Judgement(Verdict.UNSPOKEN)


def _units(number: int, passage: Passage) -> Iterator[Unit]:
    before: Sentence | None = None
    told: set[str] = set()
    for sentence in sentences(passage.text):
        reading, place = read(sentence.text), Place(number, sentence.start, sentence.end)
        yield Unit(place, reading, reading.bases, _WHOLE, frozenset(told))
        for piece in _pieces(reading):
            yield Unit(place, piece, piece.bases, _PIECE, frozenset(told))
        if before is not None and before.block == sentence.block and _POINTS_BACK.match(sentence.text):
            pair = read(f"{before.text} {sentence.text}")
            yield Unit(Place(number, before.start, sentence.end), pair, pair.bases, _PAIR, frozenset(told))
        before = sentence
        told |= reading.bases


_FEWEST_WORDS = 3
_POINTS_BACK = re.compile(
    r"\W*(?:(?:in|by|for|with) )?(?:this|these|those|they|it|he|she|such|its|their|his|her|both)\b", re.IGNORECASE
)


def _pieces(reading: Reading) -> Iterator[Reading]:
    """What stands between commas and joints, where it says something by itself; and two of these together."""
    pieces = reading.pieces()
    together = [one + other for one, other in pairwise(pieces) if other[0].segment - one[0].segment == 1]
    for words in pieces + together:
        if len(words) >= _FEWEST_WORDS and len(words) < len(reading.words):
            yield Reading(words, reading.tokens)
