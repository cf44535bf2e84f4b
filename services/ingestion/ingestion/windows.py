"""Cutting what is longer than a model reads into windows that are read whole."""

from collections.abc import Iterator, Sequence
from math import ceil


def windows(words: Sequence[int | None], limit: int) -> Iterator[slice]:
    """Slices of at most `limit` tokens, as equal as can be, that hold every token once and do not split a word.

    `words[i]` numbers the word that token i belongs to. Only a word longer than a window is split. No tokens: one empty
    slice, because every text has a vector.
    """
    start, count = 0, len(words)
    while True:
        left = count - start
        end = start + ceil(left / max(1, ceil(left / limit)))
        if end < count:
            end = _word_boundary(words, start, end, min(start + limit, count))
        yield slice(start, end)
        start = end
        if start >= count:
            return


def _word_boundary(words: Sequence[int | None], start: int, wanted: int, most: int) -> int:
    """The boundary nearest to `wanted`, the later one first: it leaves no scrap for a last window."""
    later = next((i for i in range(wanted, most + 1) if i == len(words) or words[i] != words[i - 1]), None)
    if later is not None:
        return later
    return next((i for i in range(wanted, start, -1) if words[i] != words[i - 1]), wanted)


def text_windows(text: str, limit: int) -> list[str]:
    """The text in parts of at most `limit` characters, cut at white space where there is some."""
    words: list[int] = []
    word = 0
    for before, character in zip(" " + text, text, strict=False):
        word += before.isspace() and not character.isspace()
        words.append(word)
    return [text[part] for part in windows(words, limit)]
