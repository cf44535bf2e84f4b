"""Whether an answer puts one thing in the place of another: a name, a unit, a number of things, the effect for its cause."""

import re
from collections.abc import Iterator, Sequence, Set

from chat.lexicon import alike, base, is_verb, polar
from chat.terms import STOP_WORDS, stem, word_set
from chat.wording import PREPOSITIONS, Reading, Word

# What measures, and not what is counted: "30 things" may be 30 items.
_UNITS = frozenset(map(base, word_set(
    """second minute hour day week month year decade century millennium metre meter kilometre kilometer centimetre centimeter millimetre
    millimeter mile inch foot gram gramme kilogram kilogramme tonne litre liter millilitre milliliter volt watt ampere ohm newton joule
    pascal hertz degree percent dollar euro pound cent mark franc"""
)))  # fmt: skip
_MANY = word_set("many several numerous multiple countless various")
_BECAUSE, _SO = ("because", "since"), ("so", "therefore", "thus", "hence")
_CAPITAL = re.compile(r"(?P<opens>^\W*|[.!?:]\s+)?\b(?P<name>[A-Z][\w’'-]+)")


def names_in(text: str, known: Set[str] = frozenset()) -> frozenset[str]:
    """The names of a text, folded: capitals inside its sentences; at the beginning of one only what is known as a name, or no word at all."""
    found = {(match["name"].casefold(), match["opens"] is None) for match in _CAPITAL.finditer(text)}
    return frozenset(name for name, inside in found if inside or name in known or _is_no_word(name)) - STOP_WORDS


def _is_no_word(name: str) -> bool:
    return not (name in STOP_WORDS or name.endswith("s") or polar(base(name)) or is_verb(name))


def exchanged(said: Reading, unsaid: Sequence[Word], wanted: Reading, around: Reading, names: Set[str]) -> str | None:
    """What stands in the place of what is `unsaid`, with what it should be, where that cannot be the same in other words.

    It is a name for a name, a unit for a unit, or a word that stands around the answer in the material.
    """
    known, beside = wanted.bases, around.bases
    ours, theirs = _neighbours(said), _neighbours(wanted)
    for word in said.words:
        if word.negated or word.light or word.base in known:
            continue
        for other in unsaid:
            either = any(
                one == another is not None for one, another in zip(ours[word.place], theirs[other.place], strict=True)
            )
            both = (
                either
                and ours[word.place] == theirs[other.place]
                and _preposition(word, said) == _preposition(other, wanted)
            )
            named = either and word.text in names and other.text in names
            measured = either and word.base in _UNITS and other.base in _UNITS
            if named or measured or (both and word.base in beside and not alike(word.base, other.base)):
                return f"{word.text} / {other.text}"
    return _many_for_one(said, wanted)


def _preposition(word: Word, reading: Reading) -> str | None:
    before = reading.tokens[max(0, word.place - 2) : word.place]
    return next((token for token in reversed(before) if token in PREPOSITIONS), None)


def _neighbours(reading: Reading) -> dict[int, tuple[str | None, str | None]]:
    """What stands before and behind each word in its piece of the sentence, by the word's place."""
    found: dict[int, tuple[str | None, str | None]] = {}
    for piece in reading.pieces():
        bases = [None, *(word.base for word in piece), None]
        found |= {word.place: (bases[at], bases[at + 2]) for at, word in enumerate(piece)}
    return found


def _many_for_one(said: Reading, wanted: Reading) -> str | None:
    """Whether many are said where there is one."""
    ones = {stem(behind.text) for word, behind in _followed(wanted) if word.number == 1}
    told = (word for word, behind in _followed(said) if stem(behind.text) in ones and not word.negated)
    return next((f"{word.text} / one" for word in told if word.text in _MANY or (word.number or 0) > 1), None)


def _followed(reading: Reading) -> Iterator[tuple[Word, Word]]:
    return zip(reading.words, reading.words[1:], strict=False)


def effect_for_cause(said: Reading, effect: Reading, cause: Reading) -> str | None:
    """The joint around which the effect that is asked about is given as the cause of its own."""
    tokens = said.tokens
    joint = next((place for place, token in enumerate(tokens) if token in (*_BECAUSE, *_SO)), None)
    if joint is None:
        return None
    sides = (
        [word.base for word in said.words if word.place < joint],
        [word.base for word in said.words if word.place > joint],
    )
    if tokens[joint] in _BECAUSE and not sides[0]:  # "because their walls are thick, the pressure is high"
        first = next((word.segment for word in said.words), 0)
        sides = [w.base for w in said.words if w.segment > first], [w.base for w in said.words if w.segment == first]
    told = sides if tokens[joint] in _BECAUSE else sides[::-1]
    effects, causes = (frozenset(word.base for word in one.words if not word.light) for one in (effect, cause))
    effects, causes = effects - causes, causes - effects
    turned = _mostly(told[0], causes, effects) and _mostly(told[1], effects, causes)
    return f"order around {tokens[joint]!r}" if turned else None


def _mostly(side: Sequence[str], these: Set[str], those: Set[str]) -> bool:
    return bool(these) and 2 * len(these & set(side)) >= len(these) and those.isdisjoint(side)
