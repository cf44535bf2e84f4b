"""Sentences of passages as they can be shown alone: with what they point back to, what completes them, the list they introduce."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chat.passages import Passage
from chat.questions import Kind
from chat.sentences import CELL, Sentence, sentences
from chat.terms import mend, terms

_LONGEST_LIST = 8
_FEWEST_COLUMNS = 2
_POINTS_BACK = re.compile(
    r"\W*(?:this|these|those|they|it|he|she|such|its|their|his|her|that|the (?:latter|former|same)|both|in (?:this|that) (?:way|case)"
    r"|as a result|therefore|thus|consequently|for (?:example|instance)|however)\b",
    re.IGNORECASE,
)
# The term that is asked for may stand in the sentence before: "The program provides …".
_NAMES_AGAIN = re.compile(rf"{_POINTS_BACK.pattern}|the\b", re.IGNORECASE)
_NAMES_WHAT_WAS_SAID = re.compile(
    r"\b(?:call|term|name|refer to|label|describe)(?:ed|s|red)? (?:this|these|such)\b", re.IGNORECASE
)
# What follows such a sentence completes it more often than not.
_GOES_ON = re.compile(r"(?:it|they|he|she|these|this|that is|in other words|specifically) (?!,)", re.IGNORECASE)
_COMPLETED = (Kind.DEFINITION, Kind.PROCESS, Kind.OPEN)
_ITEM = re.compile(r"\s*(?:[-*•–▪◦·‣]|\(?(?:\d{1,2}|[a-zA-Z])[.)])\s")
_REFERENCE = re.compile(r"\s?\[\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage (the `rank`th, from 0) with what it is weighed by.

    `context` are its terms with those of what stands before it: a sentence need not name its subject again. A row of a table is read
    with the heads of its columns: it says nothing without them.
    """

    passage: Passage
    rank: int
    place: int
    among: Sequence[Sentence]
    text: str
    terms: frozenset[str]
    context: frozenset[str]
    row: bool = False

    @property
    def sentence(self) -> Sentence:
        return self.among[self.place]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Words of a passage (its `number`, from 1) that answer: `text` for reading, `quote` exactly as it stands there."""

    number: int
    text: str
    quote: str
    start: int
    end: int

    def holds(self, other: "Excerpt") -> bool:
        """Whether all of the other stands in it."""
        return self.number == other.number and self.start <= other.start and other.end <= self.end

    def overlaps(self, other: "Excerpt") -> bool:
        """Whether some words stand in both."""
        return self.number == other.number and self.start < other.end and other.start < self.end


def candidates_of(passages: Sequence[Passage]) -> Iterator[Candidate]:
    """Every sentence of the passages."""
    for rank, passage in enumerate(passages):
        among = sentences(passage.text)
        rows = dict(_rows(among))
        texts = [rows.get(place) or sentence.text for place, sentence in enumerate(among)]
        held = [frozenset(terms(text)) for text in texts]
        for place, text in enumerate(texts):
            context = held[place].union(*held[max(0, place - 2) : place])
            if rows.get(place, text):  # the heads alone say nothing
                yield Candidate(passage, rank, place, among, text, held[place], context, place in rows)


def _rows(among: Sequence[Sentence]) -> Iterator[tuple[int, str]]:
    """The rows of tables by their place, each cell behind the head of its column: "Port: 22 · Service: SSH". Nothing for the heads."""
    heads: list[str] = []
    for place, sentence in enumerate(among):
        cells = [cell.strip(" *_") for cell in sentence.text.strip().strip(CELL).split(CELL)]
        if len(cells) < _FEWEST_COLUMNS or len(cells) != len(heads):
            behind = among[place + 1].text.strip().strip(CELL).count(CELL) + 1 if place + 1 < len(among) else 0
            heads = cells if len(cells) >= _FEWEST_COLUMNS and behind == len(cells) else []
            if heads:
                yield place, ""
        else:
            read = (f"{head}: {cell}" if head else cell for head, cell in zip(heads, cells, strict=True) if cell)
            yield place, " · ".join(read)


def is_item(sentence: Sentence) -> bool:
    """Whether it is an item of a list."""
    return bool(_ITEM.match(sentence.raw))


def excerpt_of(candidate: Candidate, kind: Kind) -> Excerpt:
    """The sentence with its neighbours, as far as it cannot be understood without them."""
    among, place = candidate.among, candidate.place
    if candidate.row:
        start, end = among[place].start, among[place].end
        return Excerpt(candidate.rank + 1, candidate.text, candidate.passage.text[start:end], start, end)
    first, last = place - _leans_on_the_one_before(candidate, kind), place
    if first == last and kind in _COMPLETED and _same_block(among, place, place + 1):
        last += bool(_GOES_ON.match(among[place + 1].text))
    if among[last].raw.rstrip().endswith(":"):
        while last + 1 < len(among) and last - place < _LONGEST_LIST and is_item(among[last + 1]):
            last += 1
    shown = among[first : last + 1]
    readable = "".join("\n" + mend(s.raw) if is_item(s) and s is not shown[0] else " " + s.text for s in shown)
    start, end = shown[0].start, shown[-1].end
    text = _REFERENCE.sub("", readable).strip()
    return Excerpt(candidate.rank + 1, text, candidate.passage.text[start:end], start, end)


def _leans_on_the_one_before(candidate: Candidate, kind: Kind) -> bool:
    among, place = candidate.among, candidate.place
    pattern = _NAMES_AGAIN if kind is Kind.TERM else _POINTS_BACK
    if not (pattern.match(candidate.text) or _NAMES_WHAT_WAS_SAID.search(candidate.text)):
        return False
    # What begins in small letters is the end of a sentence on the page before.
    return _same_block(among, place - 1, place) and not among[place - 1].text[:1].islower()


def _same_block(among: Sequence[Sentence], one: int, other: int) -> bool:
    return one >= 0 and other < len(among) and among[one].block == among[other].block
