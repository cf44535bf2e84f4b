"""Numbers in figures and in words: "seventeen thousand", "2.5 million", "twenty five", "two dozen"."""

import re
from collections.abc import Iterator, Sequence

NUMERALS = {name: number for number, name in enumerate(
    ["zero", "_", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen"])} | {
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90, "dozen": 12, "hundred": 100, "thousand": 1000, "million": 1e6, "billion": 1e9}  # fmt: skip
_HUNDRED, _THOUSANDS, _UNITS = 100, (1000, 1e6, 1e9), range(1, 10)
_TENS = range(20, 100, 10)
_ONE = ("one",)
_DOZEN, _HALF_A_DOZEN = ("dozen",), ("half", "a", "dozen")


def summed(tokens: Sequence[str]) -> Iterator[str]:
    """The tokens, a number in several words as one: "seventeen thousand", "2.5 million", "twenty five"."""
    place = 0
    while place < len(tokens):
        if tuple(tokens[place : place + 3]) == _HALF_A_DOZEN:
            yield "6"
            place += 3
            continue
        total, part, behind = 0.0, _plain_number(tokens[place]), place + 1
        while part is not None and behind < len(tokens):
            more, in_words = _plain_number(tokens[behind]), not tokens[behind - 1][0].isdigit()
            if more in _THOUSANDS:
                total, part = total + part * more, 0.0
            elif more and ((more == _HUNDRED and in_words) or tokens[behind] in _DOZEN) and 0 < part < _HUNDRED:
                part *= more
            elif in_words and more and not tokens[behind][0].isdigit() and _follows(more, part, total):
                part += more
            else:
                break
            behind += 1
        yield f"{total + (part or 0.0):,.12g}" if behind > place + 1 else tokens[place]
        place = behind


def _follows(more: float, part: float, total: float) -> bool:
    """Whether a numeral goes on with a number: *five* with *twenty* and with *a hundred*, not with *three*."""
    return more < _HUNDRED and (
        (part in _TENS and more in _UNITS) or (part + total >= _HUNDRED and part % _HUNDRED == 0)
    )


def _plain_number(token: str) -> float | None:
    if token in _ONE:
        return 1.0
    return figure(token) if token[0].isdigit() else NUMERALS.get(token)


def figure(token: str) -> float | None:
    plain = token.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+", token) else token.replace(",", ".")
    return float(plain) if re.fullmatch(r"\d{1,300}(?:\.\d+)?", plain) else None
