"""Formats without pages are stored in parts, so that a long text can be read, shown and cited piece by piece."""

import re
from collections.abc import Iterator

PART_CHARACTERS = 8_000
# From the best place to cut to the worst.
_BORDERS = (
    re.compile(r"\n(?=#{1,3} )"),
    re.compile(r"\n[ \t]*\n+"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…。！？])\s"),
    re.compile(r"\s"),
)


def parts(text: str, most: int = PART_CHARACTERS) -> Iterator[str]:
    """Cut at headings and paragraphs where there are any, into parts of half of `most` to `most` characters. Nothing is lost
    but white space at the cuts."""
    start = 0
    while len(text) - start > most:
        cut = _border(text, start + most // 2, start + most)
        if piece := text[start:cut].strip():
            yield piece
        start = cut
    if piece := text[start:].strip():
        yield piece


def _border(text: str, earliest: int, latest: int) -> int:
    for border in _BORDERS:
        places = [match.end() for match in border.finditer(text, earliest, latest)]
        if places:
            return places[-1]
    return latest
