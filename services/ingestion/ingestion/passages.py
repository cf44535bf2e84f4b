"""Passages: pieces of a page that are small enough to be found by their meaning and large enough to be understood.

About 400 tokens, which are found by their nearest window (the README has the figures); never across a page, because a passage
is cited with its page.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from semantic_text_splitter import MarkdownSplitter, TextSplitter

TOKENS = 400
TOKENIZER = "gpt-4o"
_LEAST_CHARACTERS = 25
_BROKEN_LINE = re.compile(r"(?<=[^\s.!?:;])\n(?=[a-z“‘(])")


@dataclass(frozen=True, slots=True)
class Piece:
    """`page[start:end] == text`; the offsets count characters."""

    start: int
    end: int
    text: str


class Cutter:
    """Cuts along the meaning: sections of Markdown, paragraphs, sentences, words. Making one takes 0.1 s."""

    def __init__(self, tokens: int = TOKENS) -> None:
        self._text = TextSplitter.from_tiktoken_model(TOKENIZER, tokens)
        self._markdown = MarkdownSplitter.from_tiktoken_model(TOKENIZER, tokens)

    def cut(self, page: str, start: int = 0, end: int | None = None, *, markdown: bool = False) -> list[Piece]:
        """The passages of `page[start:end]`. Nothing of it is left out but white space."""
        body = page[start:end]
        chunks = self._markdown.chunk_indices(body) if markdown else self._text.chunk_indices(_unwrapped(body))
        spans = [(start + at, start + at + len(text)) for at, text in chunks]
        return list(_without_scraps([Piece(*span, page[slice(*span)]) for span in spans], page))


def _unwrapped(text: str) -> str:
    """The text with spaces where a line was broken in the middle of a sentence: else that counts for more than a sentence's end."""
    return _BROKEN_LINE.sub(" ", text)


def _without_scraps(pieces: list[Piece], page: str) -> Iterator[Piece]:
    """A scrap such as a lone heading goes with its neighbour: alone it is found and says nothing."""
    held: Piece | None = None
    for piece in pieces:
        joined = Piece(held.start, piece.end, page[held.start : piece.end]) if held else piece
        if len(joined.text) < _LEAST_CHARACTERS and piece is not pieces[-1]:
            held = joined
            continue
        held = None
        yield joined
