"""What an answer rests on: passages that were really retrieved, with words that really stand in them.

Nothing that a writer claims leaves as it is. A marker names a passage; the quote is cut from that passage's own text, so it
stands there whatever was claimed; what names no passage, or quotes what is not in it, is taken out of the answer.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from chat.markers import Marker, may_begin_marker
from chat.passages import Passage
from chat.sentences import Sentence, sentences
from chat.terms import coverage, question_terms, terms, weights

LONGEST_QUOTE = 480
_FEWEST_WORDS = 3
_CLAIM_TAIL = 700
_DROPPED = frozenset("-\u00ad\u2010\u2011\u200b\u200c\u200d\ufeff\"“”„«»'‘’*_`")
_DASHES = frozenset("–—−")
_ELLIPSIS = re.compile(r"\[?(?:…|\.\.\.)\]?")
_NO_SPACE_BEFORE = tuple(".,;:!?)]}”’…")


class Citation(BaseModel, frozen=True):
    """Words of a passage that an answer rests on."""

    marker: int
    passage_id: UUID
    document_id: UUID
    document_title: str
    page: int | None = Field(description="The page to name; null where the format has none")
    part: int = Field(description="What `GET /documents/{id}/pages/{part}` opens; where there are pages, the page")
    quote: str = Field(description="The part's text from `start` to `end`, each run of white space made one blank")
    start: int = Field(description="Where in the part's `text` the quote begins, in characters")
    end: int

    def stands_in(self, passage: Passage) -> bool:
        """Whether it is a citation of this passage and its quote stands there."""
        return (
            (self.passage_id, self.document_id, self.page, self.part)
            == (passage.id, passage.document_id, passage.page, passage.part)
            and passage.start <= self.start < self.end <= passage.end
            and bool(self.quote)
            and single_spaced(passage.text[self.start - passage.start : self.end - passage.start]) == self.quote
        )


def single_spaced(text: str) -> str:
    """The text with every run of white space made one blank."""
    return " ".join(text.split())


def locate(quote: str, text: str) -> tuple[int, int] | None:
    """Where whole words of `text` read like `quote`: apart from case, white space, hyphens, quotation marks, ligatures."""
    folded, places = _fold(text)
    for part in sorted(_ELLIPSIS.split(quote), key=len, reverse=True)[:1]:
        wanted = _fold(part)[0].strip(" .,;:")
        at = -1
        while wanted and (at := folded.find(wanted, at + 1)) >= 0:
            end = at + len(wanted)
            if not folded[at - 1 : at].isalnum() and not folded[end : end + 1].isalnum():
                return _with_emphasis(text, places[at], places[end - 1] + 1)
    return None


def _with_emphasis(text: str, start: int, end: int) -> tuple[int, int]:
    """With the asterisks around it: of "**TCP** is …" both pairs or none."""
    return len(text[:start].rstrip("*")), len(text) - len(text[end:].lstrip("*"))


def _fold(text: str) -> tuple[str, list[int]]:
    """The text for comparison, and for each of its characters the place that it came from."""
    folded: list[str] = []
    places: list[int] = []
    broken = False
    for place, character in enumerate(text):
        if character in _DROPPED:
            broken = broken or character in "-\u00ad\u2010"
            continue
        if character.isspace() or character in _DASHES:
            if folded and folded[-1] != " " and not (broken and "\n" in text[place : place + 2]):
                folded.append(" ")
                places.append(place)
            continue
        broken = False
        for part in unicodedata.normalize("NFKC", character).casefold():
            folded.append(part)
            places.append(place)
    return "".join(folded), places


class Citations:
    """The citations of one answer, numbered from 1 in the order in which they are made; words that are cited again keep their number."""

    def __init__(self) -> None:
        self.found: list[Citation] = []

    def cite(self, passage: Passage, start: int, end: int) -> int | None:
        """The marker of these characters of the passage's text; None where no words stand there."""
        start, end = _clipped(passage.text, max(0, start), end)
        for known in self.found:
            if known.passage_id == passage.id and _overlap(known, passage.start + start, passage.start + end):
                return known.marker
        citation = Citation(
            marker=len(self.found) + 1,
            passage_id=passage.id,
            document_id=passage.document_id,
            document_title=passage.document_title,
            page=passage.page,
            part=passage.part,
            quote=single_spaced(passage.text[start:end]),
            start=passage.start + start,
            end=passage.start + end,
        )
        if not citation.stands_in(passage):
            return None
        self.found.append(citation)
        return citation.marker


class CitedText:
    """An answer as it is written: text goes in and comes out, markers come out only if they check out.

    `question` helps to choose the words where a marker names a passage without quoting it. Markers leave as `[1]`, `[2]` …
    in the order in which their citations first appear; `citations` holds them.
    """

    def __init__(self, passages: Sequence[Passage], question: str) -> None:
        self._cited = Citations()
        self.content = ""
        self._passages = passages
        self._question = question
        self._written = ""  # without markers, to know which claim a marker closes
        self._read: dict[UUID, ReadPassage] = {}
        self._space = ""
        self._last: tuple[int, ...] = ()
        self._removed = False
        self._swallowed = ""

    @property
    def citations(self) -> Sequence[Citation]:
        """What the answer cites so far."""
        return self._cited.found

    def text(self, piece: str) -> str:
        """Text to send now; white space at its end waits for what follows."""
        if self._swallowed:
            piece = piece.lstrip(self._swallowed)
            self._swallowed = "" if piece else self._swallowed
        body = piece.strip()
        if not body:
            self._space += piece
            return ""
        self._space += piece[: len(piece) - len(piece.lstrip())]
        closes_up = not self.content or (self._removed and body.startswith(_NO_SPACE_BEFORE))
        out = body if closes_up else self._space + body
        self._space = piece[len(piece.rstrip()) :]
        self._removed = False
        self._last = ()
        self._written = (self._written + out)[-_CLAIM_TAIL:]
        return self._send(out)

    def marker(self, marker: Marker) -> str:
        """The marker's checked form, or nothing."""
        cited = [number for passage_number in marker.numbers for number in self._cite(passage_number, marker.quote)]
        fresh = tuple(number for number in dict.fromkeys(cited) if number not in self._last)
        if not fresh:
            self._removed = True
            self._swallowed = " " if self._space.endswith(" ") else self._swallowed
            # What is taken out must not bring together what then reads as a marker: "[[9]1]".
            return self._send("…") if not cited and may_begin_marker(self.content + self._space) else ""
        blank = "" if self._last or not self.content else " "
        # A marker that begins a line closes what stands above it; the break comes behind it.
        self._space = self._space if "\n" in self._space else ""
        self._swallowed = "\n" if self._space else ""
        self._removed = False
        self._last += fresh
        return self._send(blank + "".join(f"[{number}]" for number in fresh))

    def _send(self, out: str) -> str:
        self.content += out
        return out

    def _cite(self, passage_number: int, quote: str | None) -> list[int]:
        if not 1 <= passage_number <= len(self._passages):
            return []
        passage = self._passages[passage_number - 1]
        span = quoted_span(passage, quote) if quote else self._supporting_span(passage)
        marker = self._cited.cite(passage, *span) if span is not None else None
        return [] if marker is None else [marker]

    def _supporting_span(self, passage: Passage) -> tuple[int, int] | None:
        if (read := self._read.get(passage.id)) is None:
            read = self._read[passage.id] = ReadPassage.of(passage)
        said = sentences(self._written)
        return read.supporting(said[-1].text if said else "", self._question)


def quoted_span(passage: Passage, quote: str) -> tuple[int, int] | None:
    """Where a claimed quote stands in the passage; a word or two become the sentence that holds them."""
    span = locate(quote, passage.text)
    if span is None or len(quote.split()) >= _FEWEST_WORDS:
        return span
    return next(((s.start, s.end) for s in sentences(passage.text) if s.start <= span[0] < s.end), span)


@dataclass(frozen=True, slots=True)
class ReadPassage:
    """A passage's sentences with their terms; read once, however often the passage is cited."""

    sentences: Sequence[Sentence]
    terms: Sequence[frozenset[str]]

    @classmethod
    def of(cls, passage: Passage) -> Self:
        read = sentences(passage.text)
        return cls(read, [frozenset(terms(sentence.text)) for sentence in read])

    def supporting(self, claim: str, question: str) -> tuple[int, int] | None:
        """Where the sentence stands that says most of what is claimed, or else of what was asked."""
        for asked in (terms(claim), question_terms(question)):
            weighed = weights(dict.fromkeys(asked), self.terms)
            scores = [coverage(weighed, held) * _fitness(s) for s, held in zip(self.sentences, self.terms, strict=True)]
            if scores and max(scores) > 0:
                best = self.sentences[scores.index(max(scores))]
                return best.start, best.end
        first = next((s for s in self.sentences if s.closed), next(iter(self.sentences), None))
        return (first.start, first.end) if first else None


def _fitness(sentence: Sentence) -> float:
    """A heading shares its words with everything below it, and supports nothing."""
    return (1.0 if sentence.closed else 0.6) * (0.6 if sentence.asks else 1.0)


def _clipped(text: str, start: int, end: int) -> tuple[int, int]:
    if end - start > LONGEST_QUOTE:
        end = start + LONGEST_QUOTE
        while end > start + 1 and not text[end : end + 1].isspace():
            end -= 1
        end = end if end > start + 1 else start + LONGEST_QUOTE
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _overlap(known: Citation, start: int, end: int) -> bool:
    shared = min(known.end, end) - max(known.start, start)
    return shared > 0.6 * min(known.end - known.start, end - start)
