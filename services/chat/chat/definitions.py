"""How a definition reads: what stands before and after the phrase that it defines."""

import re
from itertools import takewhile

from chat.terms import stem, words

# How a term is introduced: by a word for it, by who means something by it, and by a writer who says so of oneself.
WORD_FOR_IT = r"(?:term|word|phrase|expression)"
MEAN = r"(?:(?:we|they|people|\w+ists) mean|is meant)"
OUR_TERM = re.compile(rf"\bwe (?=(?:mean|call|define|refer|speak|use the {WORD_FOR_IT})\b)", re.IGNORECASE)
# What stands between a phrase and the words that define it, and those words.
_AFTER = re.compile(
    r"[*_\"”’]*(?:\s*\([^)]{1,60}\))?(?:,[^,.;]{1,80},)?\s*"
    r"(?:(?P<apposition>:(?=\s*\w)|\s?[—–] ?(?:literally|that is|or|an?|the|any|i\.e\.)\b|, (?:an?|the|or|any|being|meaning|that is|i\.e\.|in which|where|which is|which are)\b)"
    r"|(?:(?:simply|also|often|usually|generally|then|thus|can|may) )?"
    r"(?:(?P<says>means?|refers? to|describes?|denotes?|consists? of|comprises?|(?:(?:is|are|was|were|be|been|has been) )+defined"
    r"|(?:is|are|was|were) (?:when|where|an?|the|any|one|those|that|what|how)\b)"
    r"|(?P<tells>involves?|occurs?|happens?|indicates?|represents?|includes?|posits?|states?|requires?)\b|(?:is|are|was|were)\b))",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(?:known as|termed|refer(?:red|s)? to [^.;]{0,80}\bas|named|defined? (?:as|an?|the)|described as|labell?ed|dubbed"
    rf"|the (?:concept|idea|notion) of|the (?:{WORD_FOR_IT}|name)|considered|(?:an )?examples? of|constitutes?|calls?|called|calls? (?:this|these|such|it)(?: \w+){{0,3}}"
    r"|summarized as)\s+(?:an?\s+|the\s+|this\s+)?[*_“\"‘']*$",
    re.IGNORECASE,
)
# "By X we mean …", "when economists speak of X, they mean …"
_MEANT_BY = re.compile(
    rf"\b(?:by|(?:talk|speak)s? (?:about|of))\s+(?:the {WORD_FOR_IT} )?(?:an?\s+|the\s+)?[*_“\"‘']*$", re.IGNORECASE
)
_MEANT = re.compile(rf"[*_\"”’]*,? {MEAN}\b", re.IGNORECASE)
# The phrase is what its sentence or clause is about, not a part of something else: "access to education is" defines no education.
_LEADS = re.compile(
    r"(?:^|[.,;:—–(“\"*]|\b(?:that|while|whereas|because|if|since|and|or|but|when|although|though|word|term|concept|called))"
    r"[\s\W]*(?:(?:an?|the|this|such|so-called)\b)?[\s\W]*$",
    re.IGNORECASE,
)


def definition_form(subject: str, text: str) -> float:
    """How much a sentence looks like the definition of the subject, 0 to 0.9."""
    form = 0.0
    for place in re.finditer(_phrase(subject), text, re.IGNORECASE):
        before = text[: place.start()]
        form = max(form, 0.2, 0.75 if _BEFORE.search(before) else 0.0)
        if _MEANT_BY.search(before) and _MEANT.match(text, place.end()):
            form = max(form, 0.9)
        if after := _AFTER.match(text, place.end()):
            strong = 0.8 if after["says"] else 0.6 if after["apposition"] else 0.45 if after["tells"] else 0.3
            early = 0.1 if len(before.split()) <= 4 else 0.0
            form = max(form, strong + early if after["apposition"] or _LEADS.search(before) else 0.25)
    return form


def _phrase(subject: str) -> str:
    """A pattern for the subject in any of its forms."""
    return r"\b" + r"[\s‐-]+".join(re.escape(_shared_start(word, stem(word))) + r"\w*" for word in words(subject))


def _shared_start(word: str, stemmed: str) -> str:
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, stemmed, strict=False)))
