"""The words that a text turns on: folded, without stop words, cut to a stem so that their forms meet."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import log, sqrt

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])[\u00ad\u2010\-]\s*\n\s*(?=[^\W\d_])")
_POSSESSIVE = re.compile(r"'s$")
# *US* and *May* inside a sentence are names; *in-group* is no group like others.
_CAPITALS = re.compile(r"(?<![\w.])[A-Z]{2,5}(?!\w)|(?<=[a-z] )[A-Z][a-z]+(?!\w)")
_HYPHENED = re.compile(r"(?<![\w-])([a-z]{2,5})[-‐]([a-z]{3,})(?!\w)")


def word_set(listed: str) -> frozenset[str]:
    """The words of a list that is written as running text."""
    return frozenset(listed.split())


STOP_WORDS = word_set(
    """a about above after again against all also although am among an and any are as at be because been before being below
    between both but by can cannot could did do does doing down during each either else ever every few for from further get
    give given had has have having he her here hers him his how however i if in into is it its itself just let like many may
    me might more most much must my neither no nor not of off often on once one only or other our ours out over own per
    please quite rather same shall she should since so some such than that the their theirs them then there these they
    thing things this those though through thus to together too under until up upon us very was we were what when where
    whether which while who whom whose why will with within without would yet you your yours can't couldn't didn't doesn't don't hasn't haven't he's i'd i'll i'm i've isn't
    it's let's she's shouldn't that's there's they're wasn't we're what's where's who's won't wouldn't you're"""
)
# What a question says about itself, not about its subject.
ASKING_WORDS = word_set(
    """answer book call called chapter compare comparison consider contrast define defined definition describe described description
    difference differences different differ discuss document example examples explain explained explanation following formula identify known
    lecture list material mean meaning means meant name named notes outline page refer refers section similar similarities similarity state statement
    summarise summarize summary tell term terms text understand understood
    used word words"""
)
# What stands for something that was named before.
POINTING_WORDS = word_set("it its they them their this that these those he she his her him former latter both")
_SUFFIXES = (
    ("ization", "iz"), ("isation", "iz"), ("izing", "iz"), ("ising", "iz"), ("ized", "iz"), ("ised", "iz"),
    ("ational", "at"), ("ations", "at"), ("ation", "at"), ("ating", "at"), ("ated", "at"), ("ates", "at"), ("ate", "at"),
    ("ities", ""), ("ity", ""), ("ically", "ic"), ("ical", "ic"), ("ically", "ic"),
    ("fulness", "ful"), ("iveness", "iv"), ("ousness", "ous"), ("nesses", ""), ("ness", ""),
    ("ments", "ment"), ("ively", "iv"), ("ives", "iv"), ("ive", "iv"),
    ("ize", "iz"), ("ise", "iz"), ("izes", "iz"), ("ises", "iz"),
    ("ional", "ion"), ("ions", "ion"), ("ists", "ist"), ("isms", "ism"),
    ("ies", "y"), ("ied", "y"), ("ying", "y"), ("ings", ""), ("ing", ""), ("edly", ""), ("ed", ""),
    ("ably", "abl"), ("ibly", "ibl"), ("ally", "al"), ("als", "al"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("es", "e"),
)  # fmt: skip
_BY_LAST_LETTER = {
    letter: tuple((suffix, rest) for suffix, rest in _SUFFIXES if suffix.endswith(letter))
    for letter in {suffix[-1] for suffix, _ in _SUFFIXES}
}
# Functionalism, functionalists and what is functional; racism and a race stay apart.
_SCHOOL = re.compile(r"(\w{5,})is(?:m|ms|t|ts|tic)")
_SHORTEST_STEM = 3
# *Speed*, *need* and *exceed* are no past tenses.
_NO_SUFFIX, _PAST = "eed", word_set("agreed disagreed freed decreed guaranteed")


def mend(text: str) -> str:
    """The text on one line, words that a line break cut in two made whole."""
    return " ".join((_BROKEN_WORD.sub(_joined, text) if "\n" in text else text).split())


def _joined(broken: re.Match[str]) -> str:
    # A typographic hyphen at a line's end was put there by the setter; a plain one may belong to the word.
    return "-" if broken.group().startswith("-") else ""


def words(text: str) -> list[str]:
    """The words of a text, folded to lower case."""
    folded = mend(text)
    if not folded.isascii():
        folded = unicodedata.normalize("NFKC", folded).replace("’", "'")
    folded = folded.casefold()
    return [word if word in STOP_WORDS else _POSSESSIVE.sub("", word) for word in _WORD.findall(folded)]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """What the forms of an English word share; a word of another language loses little."""
    if (school := _SCHOOL.fullmatch(word)) is not None:
        return stem(school[1])
    if word.endswith(_NO_SUFFIX) and word not in _PAST:
        return word
    for suffix, rest in _BY_LAST_LETTER.get(word[-1:], ()):
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return _undouble(word.removesuffix(suffix) + rest)
    if word.endswith("ly") and len(word) > _SHORTEST_STEM + 2 and word[-3] not in "aeiouyp":
        return _undouble(word[:-2])
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > _SHORTEST_STEM:
        word = word[:-1]
    return _undouble(word)


def _undouble(word: str) -> str:
    if len(word) > _SHORTEST_STEM + 1 and word.endswith("e"):
        word = word[:-1]
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "ls":
        return word[:-1]
    return word


def named_in_capitals(text: str) -> frozenset[str]:
    """The stop words that are none in this text, folded: capitals in the midst of small letters tell a name."""
    if text.isupper():
        return frozenset()
    return frozenset(found.casefold() for found in _CAPITALS.findall(text)) & STOP_WORDS


def _meant(text: str) -> list[str]:
    """The words that carry meaning, and compounds with one that does not by itself."""
    named = named_in_capitals(text)
    found = [
        word for word in words(text) if (word not in STOP_WORDS or word in named) and (len(word) > 1 or word.isdigit())
    ]
    if "-" in text or "‐" in text:
        found += (f"{one}-{other}" for one, other in _HYPHENED.findall(text.casefold()) if one in STOP_WORDS)
    return found


def terms(text: str) -> list[str]:
    """The stems of the words that carry meaning, in their order, repeated where the text repeats them; compounds such as *in-group* last."""
    return list(map(stem, _meant(text)))


def question_terms(question: str) -> list[str]:
    """The distinct terms of what is asked about; the words of asking themselves only where nothing else is left."""
    meant = _meant(question)
    about = [word for word in meant if word not in ASKING_WORDS]
    return list(dict.fromkeys(stem(word) for word in about or meant))


def weights(asked: Iterable[str], texts: Sequence[Iterable[str]]) -> dict[str, float]:
    """How much each asked term tells these texts apart: high where it is rare among them, never nothing.

    A term that none of them holds weighs as much as the rarest that one does. The root, because texts that were found for
    their topic all name it: what they share is not for that beside the point.
    """
    sets = [frozenset(text) for text in texts]
    total = max(1, len(sets))
    held = {term: sum(term in text for text in sets) for term in asked}
    rarest = min((count for count in held.values() if count), default=1)
    return {
        term: sqrt(log(1 + (total - count + 0.5) / (count + 0.5)) + 0.1)
        for term, count in ((term, count or rarest) for term, count in held.items())
    }


def coverage(weighed: dict[str, float], text: Iterable[str]) -> float:
    """The share of the weight of the asked terms that a text holds, 0 to 1."""
    total = sum(weighed.values())
    held = frozenset(text)
    return sum(weight for term, weight in weighed.items() if term in held) / total if total else 0.0
