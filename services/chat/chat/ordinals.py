"""Which one of several it is: *Second*, *2nd*, *Two* and *II* say the same of a war or a king."""

import re

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
