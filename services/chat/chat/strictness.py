"""What a text has to say before a claim rests on it, however many words they share: whose name, of how many, how long, denied or not."""

import re
from collections.abc import Iterator, Sequence, Set
from itertools import pairwise

from chat.alignment import Alignment, points_back
from chat.formulas import is_formula
from chat.lexicon import alike, base, measured_otherwise
from chat.roles import played_otherwise
from chat.terms import word_set
from chat.wording import CLAUSE_BORDERS, PREPOSITIONS, Reading, Word, negates

_ALL = frozenset(("all", "every", "always"))
_SOME = word_set(
    "some most many several certain often usually sometimes mostly mainly partly few part fraction portion"
)
_FREE = frozenset(("always", "alone"))  # wherever they stand
_OF_WHAT = [(token,) for token in ("the", "its", "their", "of", "other", "these", "our")]
_ONLY = frozenset(("only", "solely", "exclusively", "alone"))
_NAME = re.compile(r"(?<=[^\W\d_,;:)] )[A-Z][^\W\d_]+|(?<=, )[A-Z][^\W\d_]+")
_EVADING = frozenset(map(base, word_set("avoid refuse reject resist oppose stop lack fail ban escape")))
_NEEDING = frozenset(map(base, word_set("need require necessary essential")))
_ABSENT = frozenset(("off", "absent", "missing", "gone"))  # no power, and the power is off
_POINTING = word_set("he she it they him her them his its their who which this these")
_BEFORE_THINGS = PREPOSITIONS | {"of"}
_SHARED_ROOT = 4  # Britain and British


def names_in(text: str) -> frozenset[str]:
    """What is written large inside a sentence: names of people and places, and abbreviations."""
    return frozenset(base(name.casefold()) for name in _NAME.findall(text))


def points(text: Reading) -> bool:
    """Whether a text may speak of somebody whom it does not name."""
    return not _POINTING.isdisjoint(text.tokens)


def falls_short(claim: Reading, alignment: Alignment, text: Reading, names: Set[str], known: Set[str]) -> bool:
    """Whether a text that speaks of a claim does not bear it out. Each of the `names` has to stand in it."""
    return (
        overstates(claim, alignment, text)
        or affirms_denied(claim, alignment, text)
        or misnames(claim, alignment, text, names)
        or fills_otherwise(claim, alignment, text)
        or measures_otherwise(alignment, text)
        or played_otherwise(claim, text, known)
        or mixes_kinds(claim, alignment, text)
    )


def overstates(claim: Reading, alignment: Alignment, text: Reading) -> bool:
    """Whether a claim says of all, of not all, or of these only what the text does not."""
    limited = not (_SOME | _ONLY).isdisjoint(text.tokens) or _denies_wholeness(text)
    if _quantifies(_ALL, claim):
        return not limited if _denies_wholeness(claim) else limited and not _quantifies(_ALL, text)
    if _quantifies(_ONLY, claim):
        denied = any(word.negated or word.excepted for word in text.words if alignment.holds(word))
        return (
            not any(one in _ONLY and not negates(before) for before, one in pairwise(("", *text.tokens))) and not denied
        )
    return _denies_wholeness(text)


def _quantifies(quantifiers: Set[str], reading: Reading) -> bool:
    """Whether one of these says of how much: not "do it all in one go", nor "only 8 bytes"."""
    words = {word.place: word for word in reading.words}
    for place, token in enumerate(reading.tokens):
        if token in quantifiers:
            behind = words.get(place + 1)
            stands_before = behind is not None or reading.tokens[place + 1 : place + 2] in _OF_WHAT
            if token in _FREE or (stands_before if token in _ALL else behind is None or behind.number is None):
                return True
    return False


def partial(claim: Reading, text: Reading) -> bool:
    """Whether a claim speaks of some only, and the text not of all: what some are others need not be."""
    return (not _SOME.isdisjoint(claim.tokens) or _denies_wholeness(claim)) and (
        not _quantifies(_ALL, text) or _denies_wholeness(text)
    )


def evades(claim: Reading, text: Reading) -> bool:
    """Whether one side says by a verb alone what the other may say by a denial: "they avoided battle", "they did not want battle"."""
    mine, theirs = (side.bases & _EVADING | _ABSENT.intersection(side.tokens) for side in (claim, text))
    needless = "without" in claim.tokens and any(word.negated and word.base in _NEEDING for word in text.words)
    only = "only" in claim.tokens and not any(word.negated for word in claim.words)  # says itself what it denies
    return mine != theirs or needless or only


def _denies_wholeness(reading: Reading) -> bool:
    return any(word.denied and word.text in _ALL for word in reading.words)


def affirms_denied(claim: Reading, alignment: Alignment, text: Reading) -> bool:
    """Whether a claim says of something what the text says of it only in a denial: "kill bacteria but have no effect on viruses"."""
    if alignment.contrary or any(word.negated or word.excepted for word in claim.words):
        return False
    if any(word.excepted for word in text.words):
        return False
    denied = {word.base for word in text.words if word.negated} - {word.base for word in text.words if not word.negated}
    return any(not word.light and match.base in denied for word, match in _pairs(claim, alignment))


def misnames(claim: Reading, alignment: Alignment, text: Reading, names: Set[str]) -> bool:
    """Whether somebody or something that a claim names is not in the text. A surname alone is enough."""
    behind = dict(pairwise(claim.words))
    for word in alignment.missing:
        other = behind.get(word)
        surname = other is not None and other.base in names and other.place in alignment.matched
        if (
            (word.base in names or _is_sign(word))
            and not surname
            and not any(_related(word, one) for one in text.words)
        ):
            return True
    return False


def _is_sign(word: Word) -> bool:
    """Whether no other word may stand for it: vitamin C, O(log n)."""
    return len(word.text) == 1 or is_formula(word.text)


def _related(one: Word, other: Word) -> bool:
    return len(one.text) >= _SHARED_ROOT and one.text[:_SHARED_ROOT] == other.text[:_SHARED_ROOT]


def _pairs(claim: Reading, alignment: Alignment) -> Iterator[tuple[Word, Word]]:
    return ((word, alignment.matched[word.place]) for word in claim.words if word.place in alignment.matched)


def mixes_kinds(claim: Reading, alignment: Alignment, text: Reading) -> bool:
    """Whether a claim says of one kind what another clause says of another: of civil cases, what is said of criminal ones."""
    for kind, thing in pairwise(claim.words):
        one, other = alignment.matched.get(kind.place), alignment.matched.get(thing.place)
        if one is None or other is None or kind.light or thing.place != kind.place + 1:
            continue
        home = text.segments(one.base)
        # "In a hypotonic solution it takes up water" names nothing anew.
        if len(home) > 1 or not home < text.segments(other.base) or points_back(text.piece(one.segment), text):
            continue
        rest = [match.base for word, match in _pairs(claim, alignment) if word not in (kind, thing)]
        said = frozenset().union(*(segments for held in rest if len(segments := text.segments(held)) == 1))
        if len(said) == 1 and said.isdisjoint(home) and _of_another_kind(text.piece(min(said)), other.base, alignment):
            return True
    return False


def _of_another_kind(piece: Sequence[Word], thing: str, alignment: Alignment) -> bool:
    """Whether a clause names a kind of the thing that the claim does not."""
    return any(
        word.base == thing and kind.place == word.place - 1 and not kind.light and not alignment.holds(kind)
        for kind, word in pairwise(piece)
    )


def measures_otherwise(alignment: Alignment, text: Reading) -> bool:
    """Whether a claim says in a month what the text says in a year."""
    left = [other for other in text.words if not alignment.holds(other)]
    return any(measured_otherwise(word.base, other.base) for word in alignment.missing for other in left)


def fills_otherwise(claim: Reading, alignment: Alignment, text: Reading) -> bool:
    """Whether behind the same word and the same preposition another thing stands: "elected for life", "elected for one year"."""
    for word in alignment.missing:
        if word.light or (slot := _slot(word, claim, alignment)) is None:
            continue
        head, preposition, filled = slot
        if any(one.place in alignment.matched for one in filled):
            continue
        for other in text.words:
            if other.base != head:
                continue
            there = _filled(other, preposition, text)
            if there and not any(alignment.holds(one) or alike(one.base, two.base) for one in there for two in filled):
                return True
    return False


def _slot(word: Word, claim: Reading, alignment: Alignment) -> tuple[str, str, Sequence[Word]] | None:
    """The word and the preposition that a word of the claim stands behind, and all that stands there with it."""
    for head in reversed([other for other in claim.words if other.place < word.place]):
        if head.light or head.place not in alignment.matched:
            continue
        for preposition in _behind(head, claim):
            filled = _filled(head, preposition, claim)
            if word in filled:
                return alignment.matched[head.place].base, preposition, filled
        return None
    return None


def _behind(head: Word, reading: Reading) -> Sequence[str]:
    behind = reading.tokens[head.place + 1 : head.place + 2]
    return [token for token in behind if token in _BEFORE_THINGS]


def _filled(head: Word, preposition: str, reading: Reading) -> Sequence[Word]:
    """What stands behind a preposition that follows a word, up to the next one or the end of the clause."""
    if tuple(reading.tokens[head.place + 1 : head.place + 2]) != (preposition,):
        return ()
    filled = []
    by_place = {word.place: word for word in reading.words}
    for place in range(head.place + 2, len(reading.tokens)):
        token = reading.tokens[place]
        if token in CLAUSE_BORDERS | _BEFORE_THINGS:
            break
        if place in by_place:
            filled.append(by_place[place])
    return filled
