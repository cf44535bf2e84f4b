"""Where sentences begin and end in the text of a page, which a PDF hands over as lines of print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from chat.terms import STOP_WORDS, mend, word_set, words

_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
_BULLET = re.compile(r"[^\S\n]*(?:[-*•–▪◦·‣][^\S\n]+|\(?(?:\d{1,2}|[a-zA-Z])[.)][^\S\n]+|#{1,6}[^\S\n]+|>[^\S\n]+)")
_RULE = re.compile(r"[-=_*~`\s|:]*")
_CLOSED = re.compile(r"[.!?:;…][\"”’')\]*_]*\s*$")
# Possessive, and from where a run begins: tried from each of its marks, thousands of them would take seconds.
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"”’')\]*_]*+(?:(?=\s++[\"“‘'(\[*_]*+[^\W_a-z])|\s*+$)")
_LAST_WORD = re.compile(r"([^\s(\[“\"]+)$")
_ABBREVIATIONS = word_set(
    """approx art cf ch dept dr ed eds eq esp est etc fig figs gen gov hon inc jr lt ltd mr mrs ms mt no nos p pp par prof
    rep rev sec sen sr st v vol vols vs e.g i.e al a.m p.m u.s u.k b.c a.d ph.d jan feb mar apr jun jul aug sept sep oct
    nov dec"""
)
# Abbreviations after which a new sentence is as likely as not.
_MAY_END = frozenset(("etc", "inc", "ltd", "jr", "sr", "u.s", "u.k", "a.m", "p.m", "al", "b.c", "a.d", "ph.d"))
_CAPTION = re.compile(r"\W*(?:figure|fig\.?|table|box|exhibit|chart)\s*[\d.]+", re.IGNORECASE)
_SHORT_LINE = 0.75
_LONGEST_ABBREVIATED = 80  # what is looked at before a full stop: a caption, or a word
CELL = "|"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, heading or item of a list: `source[start:end]`. `block` counts the paragraphs before it."""

    source: str
    start: int
    end: int
    block: int

    @property
    def raw(self) -> str:
        """Exactly what stands there."""
        return self.source[self.start : self.end]

    @property
    def text(self) -> str:
        """On one line, as a person reads it, without the mark of a list or a heading."""
        mark = _BULLET.match(self.raw)
        return mend(self.raw[mark.end() :] if mark else self.raw)

    @property
    def closed(self) -> bool:
        """Whether it ends as sentences do; headings, page numbers and short notes do not."""
        return bool(_CLOSED.search(self.raw))

    @property
    def asks(self) -> bool:
        """Whether it is a question."""
        return "?" in self.raw[-4:]


def sentences(text: str) -> list[Sentence]:
    """All of them in their order; together they hold every word of the text."""
    return [
        Sentence(text, *span, block)
        for block, (start, end) in enumerate(_blocks(text))
        for span in _split(text, start, end)
    ]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs, items and headings."""
    borders = [0, *(match.end() for match in _BLANK.finditer(text)), len(text)]
    for start, end in pairwise(borders):
        yield from _blocks_of_lines(text, start, end)


def _blocks_of_lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    lines = [(m.start(), m.end()) for m in re.compile(r"[^\n]+").finditer(text, start, end) if m.group().strip()]
    # Not the longest: a caption in small print is wider than the text it stands in.
    width = sorted(b - a for a, b in lines)[len(lines) * 3 // 4] if lines else 0
    begin = None
    for index, (a, b) in enumerate(lines):
        if _RULE.fullmatch(text, a, b):
            if begin is not None:
                yield begin, a
            begin = None
            continue
        begin = a if begin is None else begin
        after = text[lines[index + 1][0] : lines[index + 1][1]] if index + 1 < len(lines) else None
        if after is None or _breaks_after(text[a:b], after, width):
            yield begin, b
            begin = None


def _breaks_after(line: str, after: str, width: int) -> bool:
    """Whether a line ends its block: an item follows, or it is short, as only headings and last lines are."""
    if _BULLET.match(after) or (CELL in line and CELL in after):
        return True
    fresh = after.lstrip().lstrip("\"“‘'(*_")[:1]
    if fresh.islower():
        return False
    return len(line.strip()) < _SHORT_LINE * width and not line.rstrip().endswith((",", "-", "‐"))


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin = start
    mark = _BULLET.match(text, start, end)  # the full stop in "1. The client …" ends nothing
    for match in _END.finditer(text, mark.end() if mark else start, end):
        before = text[max(begin, match.start() - _LONGEST_ABBREVIATED) : match.start()]
        if _abbreviates(before, match.group(), text[match.end() : min(end, match.end() + _LONGEST_ABBREVIATED)]):
            continue
        yield from _trimmed(text, begin, match.end())
        begin = match.end()
    yield from _trimmed(text, begin, end)


def _abbreviates(before: str, mark: str, after: str) -> bool:
    if not mark.startswith(".") or not after.strip() or not (word := _LAST_WORD.search(before)):
        return False
    if _CAPTION.fullmatch(before.strip()):
        return True  # "Figure 3.1." belongs to its caption
    name = word.group(1).casefold()
    if name in _MAY_END:
        return words(after[:40])[0] not in STOP_WORDS if words(after[:40]) else False
    return name in _ABBREVIATIONS or (len(name) == 1 and word.group(1).isupper())


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
