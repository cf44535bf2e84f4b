"""Which sentences of a passage can be understood alone, and so be asked about: no heads, captions, exercises or stories."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chat.definitions import OUR_TERM
from chat.lexicon import is_verb
from chat.passages import Passage
from chat.sentences import Sentence, sentences
from chat.terms import word_set, words

_FEWEST_WORDS, _MOST_WORDS = 6, 42
_REFERENCE = re.compile(
    r"\s?\[\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]|\s?\((?:[^()]*\b(?:19|20)\d\d[a-z]?|[^()]*\b[Ff]ig(?:ure|\.)[^()]*|see [^()]*)\)"
)
_EMPHASIS = re.compile(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)|`")
# It points at what is not there, speaks to the reader, tells of an example, or sets a task.
_LEANS = re.compile(
    r"^\W*(?:this|these|those|that|they|it|its|he|she|his|her|their|such|both|neither|another|one|some|others?|many|most|several|each"
    r"|here|there|however|therefore|thus|hence|consequently|instead|similarly|likewise|meanwhile|otherwise|then|also|again|indeed|moreover"
    r"|furthermore|additionally|in addition|in contrast|by contrast|on the other hand|as a result|for (?:example|instance)|in other words"
    r"|in (?:this|that|these|such)|at (?:this|that)|of course|finally|first|second|third|next|but|and|or|so|yet|nor|still|not|no|yes"
    r"|the (?:latter|former|same|following|above|first|second|third|next|last|other|two|three|result|answer|author|text|reader)s?|the (?:term|word)s? (?:is|are|was|were|comes?|refers?|means?))\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"\b(?:we|our|ours|us|you|your|yours|i|me|my|mine)\b|\b(?:figure|fig|table|chapter|section|exercise|appendix|page|equation|step) \(?[\dA-Z]"
    r"|\b(?:as (?:shown|seen|noted|mentioned|discussed|described)|(?:shown|seen|discussed|described|mentioned|listed) (?:above|below|in|earlier)|above|below)\b"
    r"|\b(?:suppose|imagine|let us|let's|consider the|in this (?:case|example|chapter|section|way)|this (?:chapter|section|example)|for (?:example|instance))\b"
    r"|https?://|www\.|@|\b(?:click|retrieved|copyright|licen[cs]e|isbn|et al|ibid|pp?\. ?\d)\b",
    re.IGNORECASE,
)
_TASK = re.compile(
    r"^\W*(?:explain|describe|understand|discuss|define|identify|analy[sz]e|compare|contrast|calculate|evaluate|summari[sz]e|recogni[sz]e"
    r"|list|name|see|think|let|remember|recall|notice|look|take|click|find|try|check|refer|return|outline|apply|distinguish|differentiate|examine|interpret|use|using|learn|read|watch|visit|write|draw|answer|choose|why|how|what"
    r"|which|who|when|where|note|tip|hint|key terms|objectives?|introduction|summary|review)\b",
    re.IGNORECASE,
)  # fmt: skip
_SPEECH = re.compile(r"[“”\"‘][^“”\"]{25,}[“”\"’]|\b(?:says?|said|told|asked|replied|writes|wrote|argues?)\b")
_ENTRY = re.compile(r"(?::| [—–=-]) ")
_AUXILIARIES = word_set(
    "is are was were am be been has have had do does did can could will would shall should may might must means meant called"
)
# A person or an event of a story, where a concept is wanted.
_CASE = re.compile(
    r"\b(?:he|she|his|her|him|hers|john|mary|jane|bob|alice|yesterday|today|tomorrow|last (?:year|week|month))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that says something by itself. `text` is for reading, `first`: it begins its paragraph."""

    passage: Passage
    start: int
    end: int
    text: str
    first: bool
    story: bool


def statements(passage: Passage) -> Iterator[Statement]:
    """The sentences of the passage that can be asked about."""
    among = sentences(passage.text)
    for place, sentence in enumerate(among):
        text = readable(sentence)
        if _stands_alone(text) and _is_whole(among, place):
            first = place == 0 or among[place - 1].block != sentence.block
            story = bool(_CASE.search(text) or _SPEECH.search(text))
            yield Statement(passage, sentence.start, sentence.end, text, first, story)


def entries(passage: Passage) -> Iterator[Statement]:
    """What may be an entry of a glossary or of notes: a line of its own, that need not end as sentences do."""
    among = sentences(passage.text)
    for place, sentence in enumerate(among):
        alone = (place == 0 or among[place - 1].block != sentence.block) and (
            place + 1 == len(among) or among[place + 1].block != sentence.block
        )
        text = readable(sentence)
        if (
            alone
            and _ENTRY.search(text[:70])
            and not (_ASIDE.search(text) or _TASK.match(text) or "|" in text or sentence.asks)
        ):
            yield Statement(passage, sentence.start, sentence.end, text, True, False)


def readable(sentence: Sentence) -> str:
    """The sentence on one line, without references and emphasis."""
    plain = _EMPHASIS.sub("", _REFERENCE.sub("", sentence.text))
    return re.sub(r"\s+([,.;:])", r"\1", " ".join(plain.split()))


def _is_whole(among: list[Sentence], place: int) -> bool:
    """Whether it begins and ends in the passage, as prose does."""
    sentence = among[place]
    if not sentence.closed or sentence.asks or sentence.raw.rstrip().endswith((":", ";", "…", "...")):
        return False
    after = among[place + 1].text if place + 1 < len(among) else ""
    # What goes on in small letters was cut where it is none.
    return not (after[:1].islower() and among[place + 1].block == sentence.block)


def _stands_alone(text: str) -> bool:
    length = len(text.split())
    if not _FEWEST_WORDS <= length <= _MOST_WORDS or not text[:1].isupper():
        return False
    letters = sum(character.isalpha() or character.isspace() for character in text)
    if letters < 0.85 * len(text) or text.count("(") != text.count(")") or text.count("“") != text.count("”"):
        return False
    if text.isupper() or sum(word[:1].isupper() for word in text.split()) > 0.5 * length or "|" in text or "\t" in text:
        return False
    said = words(text)
    if not any(word in _AUXILIARIES or is_verb(word) for word in said[1:]):
        return False
    return not (_LEANS.match(text) or _ASIDE.search(OUR_TERM.sub("", text)) or _TASK.match(text))
