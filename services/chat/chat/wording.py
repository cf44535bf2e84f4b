"""A sentence as its words stand to each other: what it says, what it denies, of what number, in which clause."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, pairwise, takewhile

from chat.formulas import FORMULA, folded, is_formula
from chat.lexicon import base, is_irregular, is_verb, opposed, polar
from chat.numerals import NUMERALS, figure, summed
from chat.terms import STOP_WORDS, mend, word_set

_TOKEN = re.compile(
    rf"{FORMULA}|"
    r"\d+(?:[.,]\d+)*|[^\W\d_]++\d[^\W_]*|(?:first|last)[-‐](?:in|out)\b|(?:\b(?:in|out|non)[-‐])?[^\W\d_]+(?:['’][^\W\d_]+)*|[%,;:.!?()—–]",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(r"(?<=\b[^\W\d_])\.(?=[^\W\d_]\b)")  # the points of 44 B.C.
_OUT_OF = re.compile(r"\bout of\b", re.IGNORECASE)  # says where from; *out* is opposed to *into*, and it is not
_NEGATING = word_set(
    """not no never neither nor none nothing without cannot hardly rarely seldom barely non lack lacks lacking nobody nowhere prevent prevents prevented preventing
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
# What denies what follows, and takes another denial back: "not bound except for necessaries" is bound for those.
_EXCEPTING = ("without", "unless", "except")
_ANOTHER_CLAUSE = frozenset(";:.!?()—–") | word_set("and but or so while whereas which who")
_LIMITING = ("until",)  # "open until six" denies nothing, "not open until six" does
# "Not only" denies nothing, "not all" no more than the *all*.
_INSTEAD = (("instead", "of"), ("rather", "than"), ("other", "than"), ("expense", "of"))
_APART = "unlike"
_ONLY = frozenset(("only", "just", "merely", "simply", "solely"))
_WHOLLY = frozenset(("all", "every", "always"))
# What may stand for a whole predicate, at the end of its clause: "individuals do not".
_AUXILIARIES = word_set("do does did is are was were has have had can could will would may must should cannot")
_DEPENDING = frozenset(("unless", "without", "until"))
_RELATIVES = word_set("who which where that those what how")  # "who they are and who they are not"
_GOING_ON = ("yet", "or", "so", "until")
_ELIDED = word_set("do does did")
_LONGEST_PREDICATE = 8
_REFUSING = frozenset(map(base, ("refuse", "decline", "fail")))
_FROM, _KEEPING = ("from",), frozenset(map(base, ("keep", "stop", "hinder", "protect", "discourage")))
_FOLD = "fold"
_PARTICLES = frozenset(("up", "down", "out", "away"))
PRONOUN = "ones"
_PERCENT, _PRONOUNS = ("%",), ("one",)
_BREAKS = frozenset(",;:.!?()—–")
_ENDS = frozenset(";:.!?")
_JOINTS = word_set("and but while whereas although though because since if when which who so or yet unless until where")
CLAUSE_BORDERS = _BREAKS | _JOINTS
_SCOPE_ENDS = word_set("but while whereas although though because since if when so unless until")
_LONGEST_SCOPE = 7
_NEAR_VERB = 3
_DETERMINERS = word_set("a an the its their his her this these")
PREPOSITIONS = word_set("in into at by for from of off on onto to toward towards with under during per")
BEFORE_THINGS = PREPOSITIONS | {
    "through",
    "against",
    "between",
    "without",
    "beneath",
    "above",
    "below",
    "over",
    "as",
    "than",
}
_BEFORE_NOUNS = word_set(
    "a an the its their his her this these those of in into at by for from on to with under during per no"
)
_CONDITIONS = frozenset(("if", "when", "whenever", "as", "since", "because", "once"))
_COMPARATIVE = ("er", "more", "less")
_BE = word_set("is are was were be been being am get gets got")
_SMALL_WORDS = frozenset(("a", "i", "s", "eg", "ie"))
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
    excepted: bool = False  # for this what is denied holds
    denial: int = 0  # which denial of the text it was that reached here last
    apart: bool = False  # what *unlike* sets apart: of this the opposite is said

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

    def piece(self, segment: int) -> list[Word]:
        """The words of one piece."""
        return [word for word in self.words if word.segment == segment]

    def segments(self, base: str) -> frozenset[int]:
        """The pieces in which a word stands."""
        return frozenset(word.segment for word in self.words if word.base == base)

    def acts(self, word: Word) -> bool:
        """Whether a word is the verb of its clause, as far as its neighbours tell."""
        before = self.tokens[word.place - 1] if word.place else ""
        behind = self.tokens[word.place + 1] if word.place + 1 < len(self.tokens) else ""
        suffers = before in _BE and word.text.endswith("ed")
        # "The nucleus controls the cell", "the senate feared Caesar"
        governs = before and word.text.endswith(("s", "ed")) and behind in _DETERMINERS and before not in _BE
        if before in _BEFORE_NOUNS or not (suffers or governs or is_verb(word.text)):
            return False
        # "An inner join keeps all rows."
        return not (behind.endswith("s") and is_verb(behind)) or word.text.endswith(("s", "ed"))

    def intends(self, place: int) -> bool:
        """Whether a *to* belongs to the verb behind it."""
        return self.tokens[place] == "to" and is_verb(next(iter(self.tokens[place + 1 :]), ""))

    def voice(self, place: int) -> str:
        """Of the verb at this place: `active`, `passive` ("was shot") or `agent` ("was shot in Sarajevo by Princip")."""
        if not self.tokens[place].endswith(("ed", "en")) and not is_irregular(self.tokens[place]):
            return "active"
        suffers = not _BE.isdisjoint(self.tokens[max(0, place - _NEAR_VERB) : place])
        behind = list(takewhile(lambda token: token not in CLAUSE_BORDERS, self.tokens[place + 1 :]))
        if "by" in (behind if suffers else behind[:_NEAR_VERB]):
            return "agent"
        return "passive" if suffers else "active"


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """The text as words."""
    plain = _OUT_OF.sub("from", _ABBREVIATION.sub("", unicodedata.normalize("NFKC", mend(text))))
    found = _TOKEN.findall(plain)
    tokens = _completed(list(summed([_folded(token) for token in found])))
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
    if is_formula(token):
        return folded(token)
    token = token.replace("’", "'").replace("‐", "-").casefold()
    if token.startswith("non-"):
        token = token.replace("-", "")
    return token.removesuffix("'s") if token not in STOP_WORDS else token


def _completed(tokens: Sequence[str]) -> list[str]:
    """The tokens, behind a verb that stands for another clause's predicate that predicate: "populations evolve; individuals do not"."""
    clauses = [list(clause) for _, clause in groupby(tokens, key=lambda token: token in CLAUSE_BORDERS)]
    eliding = [
        at for at in range(len(clauses)) if _elides(clauses[at - 1] if at else (), clauses[at], clauses[at + 1 :])
    ]
    main = [
        not (at and _CONDITIONS & set(clauses[at - 1])) for at in range(len(clauses))
    ]  # not "since they float already"
    said = [_predicate(clause) if main[at] and at not in eliding else [] for at, clause in enumerate(clauses)]
    for at in eliding:
        clauses[at] += next(filter(None, (*reversed(said[:at]), *said[at + 1 :])), [])
    return [token for clause in clauses for token in clause]


def _elides(before: Sequence[str], clause: Sequence[str], behind: Sequence[Sequence[str]]) -> bool:
    """Whether a clause ends in an auxiliary. "Who they are not" and "it is not yet, or cannot be, known" leave nothing out."""
    *said, last = clause
    goes_on = bool(behind) and (behind[0][0] in _GOING_ON or (len(behind) > 1 and behind[1][0] in _AUXILIARIES))
    if not said or goes_on or not _RELATIVES.isdisjoint([*before, *clause]):
        return False
    return last in _ELIDED or last == "cannot" or last.endswith("n't") or (last == "not" and said[-1] in _AUXILIARIES)


def _predicate(clause: Sequence[str]) -> list[str]:
    """What is said, without auxiliaries and denials."""
    verb = next(
        (at for at, token in enumerate(clause) if at and (token in _AUXILIARIES or negates(token) or is_verb(token))),
        None,
    )
    rest = [] if verb is None else list(clause[verb:])
    while rest and (rest[0] in _AUXILIARIES or negates(rest[0])):
        del rest[0]
    return rest[:_LONGEST_PREDICATE]


def _words(tokens: Sequence[str]) -> Iterator[Word]:
    segment, scope, begins, excepts, verbal, told, apart, denial = 0, 0, False, False, False, False, 0, 0
    for place, token in enumerate(tokens):
        if token in CLAUSE_BORDERS:
            segment += 2 if token in _ENDS else 1
            # What stands right behind a denial is denied with what follows: "not when it is received".
            adjoins = bool(place) and negates(tokens[place - 1])
            resumes = place + 1 < len(tokens) and tokens[place + 1] in _AUXILIARIES  # "have no legs and can swim"
            joins = token in _BREAKS or resumes or (token in _SCOPE_ENDS and not adjoins)
            scope = 0 if joins else scope
        if _opens_denial(tokens, place):
            denial += 1
            scope, begins, told, verbal = _LONGEST_SCOPE, True, False, token.endswith(("not", "n't"))
            excepts = token in _EXCEPTING + _LIMITING and _denied_beside(tokens, place)
            continue
        if scope and verbal and token in _AUXILIARIES and told:
            scope = 0  # "who do not look for work are counted"
        apart = _LONGEST_SCOPE if token == _APART else apart and apart - 1 if token not in _BREAKS else 0
        if (stood := _base(tokens, place)) is None:
            continue
        told = True
        known, number = stood
        quantifies = _denies_wholeness(tokens, place - 1)
        weak = (known in LIGHT or token in _TELLING) and not quantifies
        strong = scope > 0 and begins and not weak
        negated = scope > 0 and not excepts
        yield Word(
            token, known, place, segment, negated, number, strong and not excepts, strong and excepts, denial, apart > 0
        )
        begins = begins and (weak or _names_with_next(tokens, place))
        scope = 0 if quantifies else max(0, scope - 1)


def _opens_denial(tokens: Sequence[str], place: int) -> bool:
    token, behind = tokens[place], next(iter(tokens[place + 1 : place + 2]), "")
    excepts = token in _EXCEPTING or (token in _LIMITING and _denied_beside(tokens, place))
    denies = (
        negates(token)
        or excepts
        or _keeps_from(tokens, place)
        or (token, behind) in _INSTEAD
        or _refuses(tokens, place)
    )
    return denies and behind not in _ONLY


def _keeps_from(tokens: Sequence[str], place: int) -> bool:
    """Whether a *from* stands in "keep the blood from flowing back"."""
    first, *second = [*tokens[place + 1 : place + 3], ""]
    doing = first.endswith("ing") or (first.endswith("ly") and second[0].endswith("ing"))  # "from soberly judging"
    return (
        tokens[place] in _FROM
        and doing
        and any(base(token) in _KEEPING for token in tokens[max(0, place - _LONGEST_SCOPE) : place])
    )


def _denies_wholeness(tokens: Sequence[str], place: int) -> bool:
    """Whether a denial denies only that something is so of all, or always."""
    return place >= 0 and negates(tokens[place]) and tokens[place + 1] in _WHOLLY


def _denied_beside(tokens: Sequence[str], place: int) -> bool:
    """Whether an exception takes a denial of its clause back; one that stands first, that of the clause behind."""
    before = list(takewhile(lambda token: token not in _ANOTHER_CLAUSE, reversed(tokens[:place])))
    behind = takewhile(lambda token: token not in _ANOTHER_CLAUSE, tokens[place + 1 :]) if not before else ()
    return any(negates(token) and token not in _EXCEPTING for token in (*before, *behind))


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
    if (
        _abbreviates(tokens, place)
        or not _tells(token)
        or (token in _PARTICLES and place and _moves(base(tokens[place - 1])))
    ):
        return None  # to speed up and to slow down are not opposed twice
    return base(token), None


def _abbreviates(tokens: Sequence[str], place: int) -> bool:
    """Whether a letter is no more than one of *e.g.*, or of somebody's name."""
    return len(tokens[place]) == 1 and tokens[place + 1 : place + 2] == ["."] and place + 2 < len(tokens)


def _moves(verb: str) -> bool:
    """Whether it says by itself which way: *speed* in *speed up* does, *go* in *go up* does not."""
    return polar(verb) and verb not in LIGHT


def goes_along(reading: Reading) -> bool:
    """Whether one thing is said to go with another: "when income falls", "the lower the price, the higher"."""
    compared = [one for one, other in pairwise(reading.tokens) if one == "the" and other.endswith(_COMPARATIVE)]
    return len(compared) > 1 or not _CONDITIONS.isdisjoint(reading.tokens)


def depends(reading: Reading) -> bool:
    """Whether one thing is said of what, or when, another is so."""
    return goes_along(reading) or not _RELATIVES.isdisjoint(reading.tokens) or not _DEPENDING.isdisjoint(reading.tokens)


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
        return figure(token)
    return NUMERALS.get(token.removesuffix(_FOLD))


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
    if len(token) > 1 and token in STOP_WORDS:
        return False
    return token[0].isalpha() and token not in _SMALL_WORDS and not _ORDINAL.fullmatch(token)  # vitamin C, and T cells
