"""Which concept a student explains: named before a colon, on a line of its own, or the subject of the first sentence."""

import re

from chat.claims import says_nothing
from chat.lexicon import is_verb
from chat.terms import POINTING_WORDS, STOP_WORDS, words

LONGEST_CONCEPT = 80
_MOST_WORDS = 6
_HEADING = re.compile(
    r"\s*(?:#{1,6}\s+|\*\*|concept:\s*)?(?P<concept>[^\n:.!?;]{2,80}?)(?:\*\*)?\s*(?P<end>:\s*(?!//)|\s[–—-]\s|\n+|\Z)",
    re.IGNORECASE,
)
_ASKED_TO = re.compile(
    r"^(?:(?:ok(?:ay)?|so|well|please|let me|let's|i(?:'ll| will| want to| would like to)?|try to|now)[\s,]+)*(?:to )?(?:explain|teach|describe|talk about|the concept of)\s+",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)
# What a clause has and a name has not.
_CLAUSE = STOP_WORDS - frozenset(
    ("of", "the", "a", "an", "and", "in", "for", "to", "on", "by", "from", "between", "with", "own", "s")
)
_FORMS = re.compile(
    r"\b(?:is|are|was|were|means?|refers?|describes?|states?|says?|occurs?|happens?|works?)\b", re.IGNORECASE
)


def announced(content: str) -> bool:
    """Whether the message says outright that it names a concept."""
    return bool(re.match(r"\s*concept:\s*\S", content, re.IGNORECASE))


def named(content: str) -> tuple[str | None, int]:
    """The concept that a message names, and where what it says of it begins (the whole message may be the name)."""
    match = _HEADING.match(content)
    if match is None or says_nothing(match["concept"]):
        return None, 0
    concept = _ARTICLE.sub("", _ASKED_TO.sub("", match["concept"].strip(" *_\"“”'"))).strip()
    if not (_is_name(concept) or (announced(content) and words(concept))):
        return None, 0
    return concept, match.end()


def inferred(explanation: str) -> str | None:
    """The subject of the first sentence."""
    first = re.split(r"[.!?\n]", explanation.strip(), maxsplit=1)[0]
    form = _FORMS.search(first)
    subject = _ARTICLE.sub("", first[: form.start()].strip(" ,\"“”'*")) if form else ""
    return subject if _is_name(subject) else None


def folded(concept: str) -> str:
    """The concept for comparison: its case, its articles and its punctuation aside."""
    return " ".join(words(_ARTICLE.sub("", concept)))


def _is_name(phrase: str) -> bool:
    said = words(phrase)
    if not said or len(said) > _MOST_WORDS or len(phrase) > LONGEST_CONCEPT:
        return False
    if any(word in _CLAUSE or word in POINTING_WORDS for word in said):
        return False
    return len(said) <= 2 or not any(is_verb(word) and not word.endswith("ing") for word in said[1:])
