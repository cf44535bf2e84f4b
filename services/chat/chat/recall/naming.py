"""Whether an answer names the term, the name or the number that is asked for, and nothing else that it might be instead.

A term may be said in a sentence, misspelt, in figures or by its initials. It is not said by whoever names another beside it, puts
another word before its head, or gives a word of its own that is spelt nearly as it is.
"""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import dropwhile, groupby, pairwise, takewhile

from chat.lexicon import alike, is_verb, polar
from chat.ordinals import ordinal, roman_number
from chat.recall.figures import figure_grade
from chat.recall.spelling import is_typo, of_another_kind
from chat.terms import STOP_WORDS, stem, word_set
from chat.wording import negates

WHOLE, A_NAME_OF_IT, LEFT_OUT, SOME, ANOTHER = 5, 4, 3, 2, 1
_ROOT, _FORM = 3, 4
_SHORTEST_ROOT = 5
_COMPOUND = 10  # from this length on a word may have more than one letter in an abbreviation
_LONGEST_ABBREVIATION = 6
# What may stand between a denial and what it denies ("I don't think that it is"), and how many words more.
_DENIED_THROUGH = word_set("of a an the for that it is was be think believe called")
_DENIES_WITHIN = 1
_LONGEST_RIVAL = 4
_LISTED = 2
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*(?:st|nd|rd|th)?\b|[^\W_]+(?:['’][^\W_]+)*|[,;:.!?/&—–\n]")
_ABBREVIATED = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_UNSURE = re.compile(r"\b(?:i(?:['’]m| am) )?not (?:\w+ )?(?:sure|certain)\b", re.IGNORECASE)
_OPENING_NO = re.compile(r"^\W*no\b(?=\W*[,;:.!—–]|\W+(?:it|that|this|i|the|not)\b)", re.IGNORECASE)
_OTHER_THAN = re.compile(
    r"\b(?:(?:any|every|no)thing but|other than|rather than|instead of|the opposite of|unlike)\b", re.IGNORECASE
)
_SCOPE_ENDS = frozenset((*",;:.!?—–\n", "but"))  # "unlike osmosis, diffusion" denies no diffusion
_PIECES = frozenset((*",;:.!?/&—–\n", "or", "and", "but", "nor"))
_ALTERNATIVES = frozenset(("/", ";", "\n", "or"))
_HEDGES = word_set(
    """think guess believe maybe probably perhaps possibly sure certain answer called known named must suppose assume correct right
    definitely certainly either term word name year say said mean means meant know remember clue idea guessing could also one
    basically simply honestly actually called"""
)
# What goes on from a term instead of naming another.
_GOES_ON = word_set(
    "because since as which who that where when while so by in on at of for from with during after before until if like such through"
)
_JOINING = word_set("of the and in for on to de von")
# What words of one root differ in where they are forms of one term: *ethnocentric*, not *community* for *communism*.
_NAMES_A_THING = word_set(
    "ity ism ness ion ions ation ment ance ence ancy ency sis ty y cy ship hood dom er or ant ent ics"
)
_OF_A_FORM = word_set(
    "ic ical al ally ically ous ive ed ing ize ise ized ised ly ary ory able ible tic e s es d ate ated ian ar ist ists"
) | {""}
_ENDS = _OF_A_FORM | _NAMES_A_THING


@dataclass(frozen=True, slots=True)
class Named:
    """`value` is a grade; `denied`: the term is said only to say that it is not it."""

    value: int
    denied: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    """A word of what was said. `run` counts alternatives ("this or that"), `piece` what commas and joints part."""

    text: str
    place: int
    run: int
    piece: int
    denied: bool
    capital: bool

    @property
    def strong(self) -> bool:
        return self.text not in STOP_WORDS and self.text not in _HEDGES


def named(answer: str, said: str, question: str, material: str) -> Named:
    """How well `said` names the answer. What stands in the question is no guess, what stands in the material no slip of the pen."""
    if (value := figure_grade(answer, said, question)) is not None:
        return Named(value)
    wanted = _Wanted(answer, material)
    heard = list(_heard(said, wanted))
    sides = [list(run) for _, run in groupby((word for word in heard if not word.denied), key=lambda word: word.run)]
    value = max((wanted.grade(side) for side in sides), default=0)
    if value <= SOME:
        if value < max(wanted.grade(side) for side in [heard, []]) and any(wanted.holds(w) for w in heard if w.denied):
            return Named(ANOTHER, denied=True)
        return Named(value)
    asked = {stem(word) for word in _words(question)}
    return Named(SOME if _names_others(heard, wanted, asked) else value)


class _Wanted:
    """A term, as it may be said."""

    def __init__(self, answer: str, material: str) -> None:
        tokens = [token for token in _TOKEN.findall(_initials_joined(answer)) if token[0].isalnum()]
        folded = [_folded(token) for token in tokens]
        strong = [place for place, token in enumerate(folded) if token not in STOP_WORDS]
        self.words = [_numbered(folded, place, frozenset(folded)) for place in strong or range(len(folded))]
        self._joining = frozenset(folded) & _JOINING
        heads = [place for place, word in enumerate(self.words) if not word.startswith("#")]
        self._head = heads[-1] if heads else -1
        self._short = _short_forms(self.words)
        self._material = frozenset(_words(material)) - set(folded)
        self._name = _is_name([tokens[place] for place in strong], self.words, material)
        self.text = frozenset(folded)
        self._held: dict[str, bool] = {}
        self.counts = any(word.startswith("#") for word in self.words)

    def holds(self, word: _Said) -> bool:
        """Whether a word that was said is one of the term's, or all of it by its initials."""
        if word.text not in self._held:
            self._held[word.text] = any(self._likeness(one, word.text) for one in self.words)
        return word.text in self._short or self._held[word.text]

    def grade(self, said: Sequence[_Said]) -> int:
        """What these words are worth as the term."""
        texts = {word.text for word in said}
        if self._short & texts or self.spelt_out(said):
            return WHOLE
        best = [max((self._likeness(one, text) for text in texts), default=0) for one in self.words]
        if not best or min(best) or len(best) == 1 or max(best) < _FORM:
            return min(best, default=0) or self._of_another_number(said)
        if self._replaced(said):
            return ANOTHER
        if self._name and not any(
            one.startswith("#") for one, value in zip(self.words, best, strict=True) if not value
        ):
            return A_NAME_OF_IT
        return LEFT_OUT if best[self._head] >= _FORM else SOME

    def _likeness(self, one: str, said: str) -> int:
        if one == said or (stem(one) == stem(said) and not _are_two_things(one, said)):
            return WHOLE
        if said in self._material:
            return 0
        if is_typo(said, one) or _one_of_latin(one, said):
            return WHOLE
        if _is_form(one, said):
            return _ROOT
        return _FORM if stem(one) != stem(said) and alike(stem(one), stem(said)) else 0

    def _replaced(self, said: Sequence[_Said]) -> bool:
        """Whether another word stands where one of the term's should: *negative* before *reinforcement*."""
        near = [word for word in said if word.strong or word.text not in self._joining]
        near = [
            word for word, after in pairwise([*near, near[-1]]) if word.text != "the" or not after.text.startswith("#")
        ]
        for one, other in pairwise(near):
            held, beside = (one, other) if self.holds(one) else (other, one)
            if one.piece == other.piece and self.holds(held) and not self.holds(beside) and beside.strong:
                # "The philosopher Marx" is no other Marx.
                return beside.capital or not (self._name and held.capital)
        return False

    def spelt_out(self, said: Sequence[_Said]) -> bool:
        """Whether it is said in full what the term is the initials of."""
        strong = [word.text for word in said if word.strong]
        return len(self.words) == 1 and len(strong) > 1 and _abbreviates(self.words[0], strong)

    def _of_another_number(self, said: Sequence[_Said]) -> int:
        """Whether it is another of the same, by its initials: *WW1*."""
        plain = {re.sub(r"\d+$", "", short) for short in self._short}
        return ANOTHER * any(
            re.sub(r"(?:\d+|[ivx]+)$", "", word.text) in plain for word in said if word.text not in plain
        )


def _heard(said: str, wanted: _Wanted) -> Iterator[_Said]:
    plain = _OTHER_THAN.sub("not", _UNSURE.sub(",", _OPENING_NO.sub("", said)))
    tokens = _TOKEN.findall(_initials_joined(plain))
    folded = list(map(_folded, tokens))
    run = piece = 0
    for place, token in enumerate(folded):
        run += token in _ALTERNATIVES
        parts = token in _PIECES and token not in wanted.text
        piece += parts
        if parts or not token[0].isalnum():
            continue
        denied = _is_denied(folded, place, wanted.text)
        text = _numbered(folded, place, wanted.text if wanted.counts else frozenset())
        yield _Said(text, place, run, piece, denied, tokens[place][:1].isupper())


def _is_denied(folded: Sequence[str], place: int, wanted: Set[str]) -> bool:
    passed = 0
    for other in takewhile(lambda token: token not in _SCOPE_ENDS, reversed(folded[:place])):
        if negates(other) and other not in wanted:
            return True
        passed += other not in _DENIED_THROUGH and (other in STOP_WORDS or other in _HEDGES)
        if passed > _DENIES_WITHIN:
            return False
    return False


def _names_others(heard: Sequence[_Said], wanted: _Wanted, asked: Set[str]) -> bool:
    """Whether something else is named beside the term: as an alternative, or in a list."""
    home = next((word.run for word in heard if wanted.holds(word)), 0)
    for _, piece in groupby((word for word in heard if not word.denied), key=lambda word: word.piece):
        said = list(piece)
        others = [w for w in said if w.strong and not wanted.holds(w) and stem(w.text) not in asked]
        if not others or wanted.spelt_out(said):
            continue
        bare = _is_bare(said, others, aside=said[0].run == home)
        if len(others) < len(said) and any(map(wanted.holds, said)):
            if (bare and len(others) >= _LISTED) or wanted.grade(said) == ANOTHER:
                return True
        elif bare and len(others) <= _LONGEST_RIVAL:
            return True
    return False


def _is_bare(piece: Sequence[_Said], others: Sequence[_Said], *, aside: bool) -> bool:
    """Whether a piece names something and tells nothing. "Osmosis, water moves" names no other; whatever stands behind an *or* does."""
    tells = aside and any(
        is_verb(verb.text)
        and not verb.capital
        and (verb.text.endswith(("s", "ed", "ing")) or before.text.endswith("s"))
        for before, verb in pairwise(others)
    )
    phrase = not aside and piece[0].strong and all(word.strong or word.text in _JOINING for word in piece)
    return phrase or (not tells and all(word.strong for word in _behind_articles(piece)))


def _behind_articles(piece: Sequence[_Said]) -> Sequence[_Said]:
    """What is named: without what leads to it, as in "it could also be the"."""
    return list(dropwhile(lambda word: not word.strong and word.text not in _GOES_ON, piece))


def _numbered(folded: Sequence[str], place: int, wanted: frozenset[str]) -> str:
    """A word, numbers of kings and wars as such; a single letter is one only behind a word of the term: "World War I"."""
    token = folded[place]
    if len(token) == 1 and token.isalpha():
        number = roman_number(token) if place > 0 and folded[place - 1] in wanted else None
    else:
        number = ordinal(token)
    return token if number is None else f"#{number}"


def _words(text: str) -> list[str]:
    return [_folded(token) for token in _TOKEN.findall(text) if token[0].isalnum()]


def _folded(token: str) -> str:
    token = token.casefold().replace("’", "'")
    return token if token in STOP_WORDS else token.removesuffix("'s")


def _initials_joined(text: str) -> str:
    return _ABBREVIATED.sub(lambda found: found.group().replace(".", ""), text)


def _short_forms(words: Sequence[str]) -> frozenset[str]:
    """How a phrase is abbreviated: by its initials, a number among them in figures or in Roman ones: *GDP*, *WW2*."""
    if len(words) < 2:
        return frozenset()
    plain = "".join(word[0] for word in words if not word.startswith("#"))
    numbers = [int(word[1:]) for word in words if word.startswith("#")]
    if not numbers:
        return frozenset((plain,))
    roman = next((numeral for numeral in _ROMANS if roman_number(numeral) == numbers[0]), "")
    return frozenset((f"{plain}{numbers[0]}", f"{plain}{roman}"))


def _abbreviates(short: str, words: Sequence[str]) -> bool:
    """Whether a phrase is abbreviated so, by letters of its long words, too: *DNA* is deoxyribonucleic acid."""
    if short in _short_forms(words):
        return True
    if not len(words) <= len(short) <= _LONGEST_ABBREVIATION:
        return False
    parts = (
        re.escape(word[0]) + "".join(f"{re.escape(letter)}?" for letter in word[1:] if len(word) >= _COMPOUND)
        for word in words
    )
    return re.fullmatch("".join(parts), short) is not None


_ROMANS = [
    "i",
    "ii",
    "iii",
    "iv",
    "v",
    "vi",
    "vii",
    "viii",
    "ix",
    "x",
    "xi",
    "xii",
    "xiii",
    "xiv",
    "xv",
    "xvi",
    "xvii",
    "xviii",
    "xix",
    "xx",
]


def _is_name(tokens: Sequence[str], words: Sequence[str], material: str) -> bool:
    """Whether it is a person's name: capitals, words that the language has not, none of them of somebody else in the material."""
    if len(tokens) < 2 or not all(token[:1].isupper() for token in tokens):
        return False
    plain = [word for word in words if not word.startswith("#")]
    if any(polar(stem(word)) or is_verb(word) or re.search(rf"\b{re.escape(word)}\b", material) for word in plain):
        return False
    full = r"\W+".join(map(re.escape, tokens))
    rest = re.sub(full, "", material)
    return not any(re.search(rf"[A-Z]\w+ {re.escape(token)}\b|\b{re.escape(token)} [A-Z]\w+", rest) for token in tokens)


def _one_of_latin(one: str, other: str) -> bool:
    """Latin and Greek plurals."""
    cut = re.compile(r"(?:um|on|a)$")
    return len(one) > _SHORTEST_ROOT and cut.sub("", one) == cut.sub("", other)


def _is_form(one: str, other: str) -> bool:
    """Whether two words of one root are forms of one term, and not two terms."""
    root, ends = _parted(one, other)
    return (
        root >= _SHORTEST_ROOT and ends <= _ENDS and not ends.isdisjoint(_OF_A_FORM) and not of_another_kind(one, other)
    )


def _are_two_things(one: str, other: str) -> bool:
    """Whether each has an end of its own that makes a noun: *community* and *communism*."""
    _, ends = _parted(one, other)
    return len(ends) > 1 and ends <= _NAMES_A_THING and ends.isdisjoint(_OF_A_FORM)


def _parted(one: str, other: str) -> tuple[int, frozenset[str]]:
    """How long the root of two words is, and their ends: some letters of the root may stand in both."""
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    parted = [(root, frozenset((one[root:], other[root:]))) for root in range(shared, max(0, shared - 3), -1)]
    return next(
        ((root, ends) for root, ends in parted if ends <= _ENDS), (shared, frozenset((one[shared:], other[shared:])))
    )
