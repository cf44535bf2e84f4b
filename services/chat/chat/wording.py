"""A sentence as its words stand to each other: what it says, what it denies, of what number, in which clause."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, pairwise

from chat.lexicon import base, is_irregular, is_verb, opposed, polar
from chat.terms import STOP_WORDS, mend, word_set

_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)*|(?:\b(?:in|out|non)[-‐])?[^\W\d_]+(?:['’][^\W\d_]+)*|[%,;:.!?()—–]", re.IGNORECASE
)
_NUMERALS = {name: number for number, name in enumerate(
    ["zero", "_", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen"])} | {
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000, "million": 1e6, "billion": 1e9}  # fmt: skip
_HUNDRED, _THOUSANDS, _UNITS = 100, (1000, 1e6, 1e9), range(1, 10)
_TENS = range(20, 100, 10)
_NEGATING = word_set(
    """not no never neither nor none nothing without cannot hardly rarely seldom barely unlike non lack lacks lacking nobody nowhere prevent prevents prevented preventing
    excluded excludes denied deprived forbidden"""
)
# Small words that a claim may turn on.
_TELLING = word_set(
    "many more less most least few fewer before after above below under over up down out into same all always every"
)
# What says next to nothing of the subject: other words may stand for it.
LIGHT = frozenset(map(base, word_set(
    """happen occur take place call get make do use go become mean work way process thing help need want able there really very
    basically actually stuff simply say show know think see come keep put let try involve include refer consist act kind sort type lot
    bit part form one something someone somebody people person example basically called known named reason cause result due always
    every all whole same also just main mainly about around roughly often usually year time own new other another first"""
)))  # fmt: skip
_UNLESS = ("unless",)
_REFUSING = frozenset(map(base, ("refuse", "decline", "fail")))
_FOLD = "fold"
_PARTICLES = frozenset(("up", "down", "out", "away"))
PRONOUN = "ones"
_PERCENT, _PRONOUNS = ("%",), ("one",)
_BREAKS = frozenset(",;:.!?()—–")
_ENDS = frozenset(";:.!?")
_JOINTS = word_set("and but while whereas although though because since if when which who so or yet unless until where")
_SCOPE_ENDS = word_set("but while whereas although though because since if when so unless until")
_LONGEST_SCOPE = 7
_NEAR_VERB = 3
_BEFORE_NOUNS = word_set(
    "a an the its their his her this these those of in into at by for from on to with under during per no"
)
_BE = word_set("is are was were be been being am get gets got")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)")


@dataclass(frozen=True, slots=True)
class Word:
    """A word that says something. `place` counts all tokens, `segment` the pieces between commas and joints;
    where a sentence or half of one ends, a number is left out."""

    text: str
    base: str
    place: int
    segment: int
    negated: bool = False
    number: float | None = None
    denied: bool = False  # the first of what is negated: what the denial is about

    @property
    def light(self) -> bool:
        """Whether it says so little that other words may stand for it."""
        return self.base in LIGHT or self.text in _TELLING


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of a text, in their order; `tokens` are all of it, folded."""

    words: Sequence[Word]
    tokens: Sequence[str]

    @property
    def bases(self) -> frozenset[str]:
        return frozenset(word.base for word in self.words)

    def pieces(self) -> list[list[Word]]:
        """The words of each piece between commas and joints, in their order."""
        return [list(piece) for _, piece in groupby(self.words, key=lambda word: word.segment)]

    def acts(self, word: Word) -> bool:
        """Whether a word is the verb of its clause, as far as its neighbours tell."""
        before = self.tokens[word.place - 1] if word.place else ""
        behind = self.tokens[word.place + 1] if word.place + 1 < len(self.tokens) else ""
        suffers = before in _BE and word.text.endswith("ed")
        if before in _BEFORE_NOUNS or not (suffers or is_verb(word.text)):
            return False
        # "An inner join keeps all rows."
        return not (behind.endswith("s") and is_verb(behind)) or word.text.endswith(("s", "ed"))

    def intends(self, place: int) -> bool:
        """Whether a *to* belongs to the verb behind it."""
        return self.tokens[place] == "to" and is_verb(next(iter(self.tokens[place + 1 :]), ""))

    def voice(self, place: int) -> str:
        """Of the verb at this place: `active`, `passive` ("was shot"), `agent` ("was shot by Princip"), or `open`."""
        before, behind = (
            self.tokens[max(0, place - _NEAR_VERB) : place],
            self.tokens[place + 1 : place + 1 + _NEAR_VERB],
        )
        if not self.tokens[place].endswith(("ed", "en")) and not is_irregular(self.tokens[place]):
            return "active"
        if "by" in behind:
            return "agent"
        return "open" if _BE.isdisjoint(before) else "passive"


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """The text as words."""
    found = _TOKEN.findall(unicodedata.normalize("NFKC", mend(text)))
    tokens = list(_summed([_folded(token) for token in found]))
    return Reading(tuple(_resolved(list(_words(tokens)))), tuple(tokens))


def _resolved(words: Sequence[Word]) -> Iterator[Word]:
    """The words, *ones* as what it stands for: *crystals* in "large crystals … and small ones"."""
    for at, word in enumerate(words):
        if word.text != PRONOUN or not at:
            yield word
            continue
        kind = words[at - 1]
        named = (noun for one, noun in pairwise(words[:at]) if opposed(one.base, kind.base) and not noun.light)
        yield replace(word, base=noun.base) if (noun := next(named, None)) else word


def _folded(token: str) -> str:
    token = token.replace("’", "'").replace("‐", "-").casefold()
    if token.startswith("non-"):
        token = token.replace("-", "")
    return token.removesuffix("'s") if token not in STOP_WORDS else token


def _summed(tokens: Sequence[str]) -> Iterator[str]:
    """The tokens, a number in several words as one: "seventeen thousand", "2.5 million", "twenty five"."""
    place = 0
    while place < len(tokens):
        total, part, behind = 0.0, _plain_number(tokens[place]), place + 1
        while part is not None and behind < len(tokens):
            more, in_words = _plain_number(tokens[behind]), not tokens[behind - 1][0].isdigit()
            if more in _THOUSANDS:
                total, part = total + part * more, 0.0
            elif more == _HUNDRED and in_words and 0 < part < _HUNDRED:
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
    if token in _PRONOUNS:
        return 1.0
    return _figure(token) if token[0].isdigit() else _NUMERALS.get(token)


def _words(tokens: Sequence[str]) -> Iterator[Word]:
    segment, scope, begins = 0, 0, False
    for place, token in enumerate(tokens):
        if token in _BREAKS or token in _JOINTS:
            segment += 2 if token in _ENDS else 1
            scope = 0 if token in _BREAKS or token in _SCOPE_ENDS else scope
        if negates(token) or token in _UNLESS or _refuses(tokens, place):
            scope, begins = _LONGEST_SCOPE, True
            continue
        if (stood := _base(tokens, place)) is None:
            continue
        known, number = stood
        weak = known in LIGHT or token in _TELLING
        yield Word(token, known, place, segment, scope > 0, number, scope > 0 and begins and not weak)
        begins = begins and (weak or _names_with_next(tokens, place))
        scope = max(0, scope - 1)


def _names_with_next(tokens: Sequence[str], place: int) -> bool:
    """Whether a word and the next name one thing: "their tax privileges"."""
    before, behind = tokens[max(0, place - 1)], tokens[place + 1] if place + 1 < len(tokens) else "."
    return before in _BEFORE_NOUNS and _tells(behind) and behind not in _TELLING


def _base(tokens: Sequence[str], place: int) -> tuple[str, float | None] | None:
    """What a token is compared by, and its number; None where it says nothing."""
    token = tokens[place]
    if (number := _number(tokens, place)) is not None:
        return f"#{number:g}", number
    if token in _PERCENT:
        return "percent", None
    if not _tells(token) or (token in _PARTICLES and place and _moves(base(tokens[place - 1]))):
        return None  # to speed up and to slow down are not opposed twice
    return base(token), None


def _moves(verb: str) -> bool:
    """Whether it says by itself which way: *speed* in *speed up* does, *go* in *go up* does not."""
    return polar(verb) and verb not in LIGHT


def is_noun(word: Word, reading: Reading) -> bool:
    """Whether what may be a verb stands as a noun: in "the form of"."""
    behind = reading.tokens[word.place + 1] if word.place + 1 < len(reading.tokens) else ""
    stands_so = bool(word.place) and reading.tokens[word.place - 1] in _BEFORE_NOUNS
    return stands_so and (behind == "of" or is_verb(word.text))


def negates(token: str) -> bool:
    """Whether a token denies what follows."""
    return token in _NEGATING or token.endswith("n't")


def _refuses(tokens: Sequence[str], place: int) -> bool:
    """Who *refused to pay* did not pay."""
    return tokens[place + 1 : place + 2] == ["to"] and base(tokens[place]) in _REFUSING


def _number(tokens: Sequence[str], place: int) -> float | None:
    token = tokens[place]
    if token in _PRONOUNS:
        return 1.0 if _counts(tokens, place) else None
    if token[0].isdigit():
        return _figure(token)
    return _NUMERALS.get(token.removesuffix(_FOLD))


def _figure(token: str) -> float | None:
    plain = token.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+", token) else token.replace(",", ".")
    return float(plain) if re.fullmatch(r"\d{1,300}(?:\.\d+)?", plain) else None


def _counts(tokens: Sequence[str], place: int) -> bool:
    """Whether "one" says how many: "in one session", not "the denser one", "one of them"."""
    return (
        place + 1 < len(tokens) and _tells(tokens[place + 1]) and tokens[max(0, place - 1)] not in ("the", "this", "no")
    )


def _tells(token: str) -> bool:
    if token in _TELLING:
        return True
    if token in _JOINTS:
        return False
    token = token.partition("'")[0]  # "you'd" says no more than "you"
    return token[0].isalpha() and token not in STOP_WORDS and len(token) > 1 and not _ORDINAL.fullmatch(token)
