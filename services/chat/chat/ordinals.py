"""Which one of several it is: *Second*, *2nd*, *Two* and *II* say the same of a war or a king."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from chat.lexicon import base, opposed, polar
from chat.terms import STOP_WORDS, stem
from chat.wording import read

_NAMES = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]
_ORDINALS = {name: number for number, name in enumerate(_NAMES, 1)}
_FIGURES = re.compile(r"(\d{1,4})(?:st|nd|rd|th)?")
_ROMAN = re.compile(r"(?=[ivx])(x{0,3})(ix|iv|v?i{0,3})")
_KIND = re.compile(r"([^\W\d_]+)(\d{1,4})")  # IPv6 is no IPv4
_UNITS = ["", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"]


def ordinal(word: str) -> int | None:
    """The number that a word, folded, gives to what it stands beside; None where it gives none."""
    if word in _ORDINALS:
        return _ORDINALS[word]
    if figures := _FIGURES.fullmatch(word):
        return int(figures[1])
    if len(word) > 1 and (roman := roman_number(word)) is not None:
        return roman
    in_words = read(word).words
    return int(in_words[0].number) if len(in_words) == 1 and in_words[0].number and word.isalpha() else None


def roman_number(word: str) -> int | None:
    """A Roman number up to 39, folded."""
    numerals = _ROMAN.fullmatch(word)
    return 10 * len(numerals[1]) + _UNITS.index(numerals[2]) if numerals else None


class Asked:
    """Which of several a question names: the *Second* World War, *active* transport."""

    def __init__(self, question: str) -> None:
        self._numbers = list(_counted(question))
        pairs = list(_modified(question))
        words = {word for pair in pairs for word in pair}
        self._modifiers = [(one, head) for one, head in pairs if polar(base(one))]
        self._all = words

    def means_another(self, text: str) -> bool:
        """Whether a text speaks of another one: of the First World War, of passive transport."""
        told = list(_counted(text)) if self._numbers else []
        asked = {number for number, _ in self._numbers}
        for number, beside in self._numbers:
            others = {other for other, near in told if near & beside}
            if others and number not in others and others.isdisjoint(asked):
                return True
        if not self._modifiers:
            return False
        said = list(_modified(text))
        kinds = {one for one, _ in said}
        return any(
            head == same and one not in kinds and other not in self._all and opposed(base(one), base(other))
            for one, head in self._modifiers
            for other, same in said
        )


def _counted(text: str) -> Iterator[tuple[int, frozenset[str]]]:
    """The ordinals of a text with the two words on each side of them; figures and single letters only behind a name."""
    tokens = re.findall(r"\w+", text)
    for at in range(len(tokens)):
        if kind := _KIND.fullmatch(tokens[at].casefold()):
            yield int(kind[2]), frozenset((kind[1],))
        elif (number := _ordinal_at(tokens, at)) is not None:
            near = (*tokens[max(0, at - 2) : at], *tokens[at + 1 : at + 3])
            yield number, frozenset(stem(w.casefold()) for w in near if w.casefold() not in STOP_WORDS and w.isalpha())


def _ordinal_at(tokens: Sequence[str], at: int) -> int | None:
    token, folded = tokens[at], tokens[at].casefold()
    before = tokens[at - 1] if at else ""
    behind_name = before.isalpha() and before[0].isupper() and len(before) > 1
    if folded in _ORDINALS or (not folded.isalpha() and not folded.isdigit()) or (folded.isdigit() and behind_name):
        return ordinal(folded)
    return roman_number(folded) if token.isupper() and (len(token) > 1 or behind_name) else None


def _modified(text: str) -> Iterator[tuple[str, str]]:
    """Each word that carries meaning with the one directly behind it."""
    for one, other in pairwise(token.casefold() for token in re.findall(r"\w+", text)):
        if STOP_WORDS.isdisjoint((one, other)):
            yield stem(one), stem(other)
