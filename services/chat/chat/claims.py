"""An explanation as the claims that it makes, each with its place in the student's own text."""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from chat.lexicon import is_verb
from chat.sentences import sentences
from chat.terms import POINTING_WORDS, STOP_WORDS, terms, word_set

MOST_CLAIMS = 40
# Possessive, and from where a run begins: tried from each of its characters, thousands of them would take seconds.
_END = re.compile(r"(?:(?<![.!?])[.!?]++[\"”’')\]*_]*+|;)\s++|\n++|\s[—–]\s")
_JOINT = re.compile(
    r"(?:,\s++|(?<!\s)\s++)(?P<joint>and then|and so|and also|and|but|while|whereas|then)\s+|,\s++(?:so\s+)?(?P<loose>which|it|they|this|these)\s+",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_AUXILIARY = word_set(
    "is are was were has have had can may must do does did will would could should isn't aren't doesn't don't wasn't can't won't"
)
# "When this rises and that falls, …" is one claim as far as its comma.
_CONDITION = re.compile(r"\W*(?:if|when|because|since|although|though|unless|until|after|before|as)\b", re.IGNORECASE)
# What follows a condition is said under it: "if it is wet, they open and more water is lost".
_OPENED = re.compile(r"\W*(?:if|when|whenever|unless)\b", re.IGNORECASE)
_LONGEST_CLAUSE = 400  # what is looked at on each side of a joint
_JOINED = re.compile(r"(?:\W*\b(?:and|but|so|then|also)\b(?= ))*", re.IGNORECASE)
_LEAST_WORDS = 2
_ENOUGH_TERMS = 3  # a definition is often written without its verb, and no list knows all verbs
_LOOK = 6
_BACK = 6
_ARTICLES = frozenset(("a", "an", "the"))
_OPENING = frozenset(("where", "that", "which", "when", "how", "who", "whose"))
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|approx|fig|no|st|dr|mr|mrs)\.\s+$", re.IGNORECASE)
_LONGEST_ABBREVIATION = 8
_EMPTY = re.compile(
    r"(?:(?:i|we)(?:'m| am)?\s+)?(?:(?:really|just|still|honestly)\s+)?(?:do(?:n't|\s+not)\s+(?:know|remember|understand|get it)|no(?:t sure)?(?: idea)?|idk|dunno|have no (?:idea|clue)|forgot|can(?:'t|not) (?:remember|say|explain)|help(?: me)?|nothing|pass)\b[^.!?]{0,60}\W*",
    re.IGNORECASE,
)


_MARKS = string.punctuation + string.whitespace + "“”‘’…–—"


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed at `start` to `end` (characters) of the explanation."""

    text: str
    start: int
    end: int


def split(explanation: str) -> list[Claim]:
    """The claims in their order, `MOST_CLAIMS` at most. Questions, greetings and confessions of knowing nothing claim nothing."""
    return list(islice(_claims(explanation), MOST_CLAIMS))


def _claims(explanation: str) -> Iterator[Claim]:
    for start, end in _sentences(explanation):
        if explanation[start:end].rstrip().endswith("?") or says_nothing(explanation[start:end]):
            continue
        for a, b in _clauses(explanation, start, end):
            if _states(explanation[a:b]):
                yield Claim(" ".join(explanation[a:b].split()), a, b)


def _states(clause: str) -> bool:
    """Whether it says something of something: a list of words claims nothing."""
    said, words = len(terms(clause)), _WORD.findall(clause.casefold())
    if any(map(_finite, words)) or "=" in clause:
        return said >= 1
    return said >= _ENOUGH_TERMS and (not STOP_WORDS.isdisjoint(words) or any(map(_ends_as_verb, words[1:-1])))


def _ends_as_verb(word: str) -> bool:
    """No list knows all verbs: "glycolysis nets two ATP"."""
    return word.endswith(("s", "ed")) and not word.endswith(("ss", "us", "is"))


def says_nothing(text: str) -> bool:
    """Whether the student says that there is nothing to say."""
    return bool(_EMPTY.fullmatch(text.replace("’", "'").lstrip(_MARKS)))


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Like those of a printed page, and also where a student begins one in small letters."""
    for sentence in sentences(text):
        begin = sentence.start
        for match in _END.finditer(text, sentence.start, sentence.end):
            if _ABBREVIATED.search(text, max(begin, match.start() - _LONGEST_ABBREVIATION), match.end()):
                continue
            yield from _trimmed(text, begin, match.end())
            begin = match.end()
        yield from _trimmed(text, begin, sentence.end)


def _clauses(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The clauses that each claim something: both sides of the joint have a verb of their own."""
    begin = start
    for match in _JOINT.finditer(text, start, end):
        before = text[max(begin, match.start() - _LONGEST_CLAUSE) : match.start()]
        behind = text[match.end() : min(end, match.end() + _LONGEST_CLAUSE)]
        together = match["joint"] and match["joint"].casefold() == "and" and _OPENED.match(text, begin, match.start())
        if (
            together
            or _is_condition(text, begin, match.start())
            or _coordinates(before, behind)
            or _repeats(before, behind)
        ):
            continue
        if not _says(before) or not _goes_on(match["loose"] or "", behind):
            continue
        yield from _trimmed(text, begin, match.start())
        begin = match.start("loose") if match["loose"] else match.end()
    yield from _trimmed(text, begin, end)


def _is_condition(text: str, start: int, end: int) -> bool:
    return text.find(",", start, end) < 0 and bool(_CONDITION.match(text, start, end))


def _coordinates(before: str, behind: str) -> bool:
    """Whether two infinitives stand around the joint: "to buy and sell goods" is one thing."""
    said, next_said = _WORD.findall(before.casefold())[-2:], _WORD.findall(behind.casefold())[:1]
    return len(said) == 2 and said[0] == "to" and any(is_verb(word) and not word.endswith("s") for word in next_said)


def _repeats(before: str, behind: str) -> bool:
    """Whether the same word stands on both sides: "longer and longer" is one thing."""
    return _WORD.findall(before.casefold())[-1:] == _WORD.findall(behind.casefold())[:1]


def _says(clause: str) -> bool:
    said = _WORD.findall(clause.casefold())
    return len(terms(clause)) >= _LEAST_WORDS and _has_verb(said) and not _hangs(said)


def _hangs(said: list[str]) -> bool:
    """Whether the last clause waits for its verb: "equilibrium is where the demand curve"."""
    behind = said[-_BACK:]
    opens = max((place for place, word in enumerate(behind) if word in _OPENING), default=None)
    if opens is None:
        return False
    verbs = [word for before, word in pairwise(behind[opens:]) if before not in _ARTICLES and _finite(word)]
    return not verbs


def _goes_on(pronoun: str, said: str) -> bool:
    """Whether a new statement begins behind the joint, not just another thing of the same kind."""
    clause = f"{pronoun} {said}"
    behind = _WORD.findall(clause.casefold())[:_LOOK]
    if len(terms(clause)) < _LEAST_WORDS:
        return False
    return bool(behind) and (_finite(behind[0]) or _has_verb(behind))


def _has_verb(said: list[str]) -> bool:
    return any(_finite(word) for before, word in pairwise(said) if before != "to")


def _finite(word: str) -> bool:
    """Whether it is most likely the verb of its clause."""
    if word in _AUXILIARY:
        return True
    return word not in STOP_WORDS and word not in POINTING_WORDS and not word.endswith("ing") and is_verb(word)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretch without white space, bullets, full stops and joints around it."""
    start = _JOINED.match(text, start, end).end()  # type: ignore[union-attr]  # it matches nothing, too
    while start < end and not text[start].isalnum() and text[start] not in "\"“‘'(":
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in ".,;:!—–-"):
        end -= 1
    if start < end:
        yield start, end
