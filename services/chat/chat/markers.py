"""Finds the citation markers in text that a model is still writing, also where a marker arrives in pieces."""

import re
from dataclasses import dataclass
from typing import Final

_NAMES = ("passage", "passages", "source", "sources", "citation", "citations", "ref", "refs", "reference", "references")
_PAGES = ("page", "pages", "p", "pp")
_WORD = r"[\s^#]*(?P<word>[A-Za-z]{0,12})\.?[\s#]*"
_MARKER = re.compile(
    rf"[\[(【]{_WORD}(?P<numbers>\d{{1,4}}(?:\s*(?:,|;|&|and|-|–|—)?\s*\d{{1,4}})*)\s*(?:†[^\]】)]*)?"
    r"(?:[:,=]?\s*[\"“«](?P<quote>.*)[\"”»]\s*)?[\])】]",
    re.DOTALL,
)
# What may still become a marker when more of it arrives.
_BEGINNING = re.compile(rf"[\[(【]{_WORD}(?P<rest>\d[\d\s,;&and–—=:-]*(?:†[^\]】)]*)?(?P<quote>[\"“«].*)?)?", re.DOTALL)
_SPECIAL = re.compile(r"[\[(【`]")
_CLOSING = re.compile(r"[\])】]")
_LINK = re.compile(r"\(<?[^\s()]*(?P<closed>\))?")
_TICKS = re.compile(r"`+")
_FENCE = "\n```"
_RANGE = re.compile(r"(\d+)\s*[-–—]\s*(\d+)")
_LONGEST = 60
_LONGEST_QUOTE = 600
_LONGEST_CODE = 300
_LONGEST_LINK = 300
_LONGEST_RANGE = 20


@dataclass(frozen=True, slots=True)
class Marker:
    """What a writer says it rests on: numbers of passages, from 1, and perhaps their words. Nothing of it is checked."""

    numbers: tuple[int, ...]
    quote: str | None = None


Pieces = list[str | Marker]
WAIT: Final = -1


class MarkerReader:
    """Splits a stream of text into text and markers. What stands in code (between backticks) is text."""

    def __init__(self) -> None:
        self._held = ""
        self._before = "\n"
        self._fenced = False
        self._after_marker = False

    def feed(self, piece: str) -> Pieces:
        """What is certain once `piece` has arrived."""
        self._held += piece
        return self._read(final=False)

    def close(self) -> Pieces:
        """What was held back when the text ended. The beginning of a marker is none, and no text either."""
        return self._read(final=True)

    def _read(self, *, final: bool) -> Pieces:
        out: Pieces = []
        while self._held:
            length, marker = self._next(final=final)
            if length == WAIT:
                break
            read, self._held = self._held[:length], self._held[length:]
            if marker is not None:
                self._before = "]"
                out.append(marker)
            elif read:
                self._before = read[-1]
                _append(out, read)
        return out

    def _next(self, *, final: bool) -> tuple[int, Marker | None]:
        """How much of what is held can be decided, and the marker that it is."""
        held = self._held
        if self._fenced:
            return self._to_end_of_fence(final=final), None
        if self._after_marker:
            if held[0] == "(" and (link := _LINK.match(held)):
                if link["closed"]:
                    return link.end(), Marker(())  # a marker is no link, whatever it was made to point at
                if link.end() == len(held) < _LONGEST_LINK and not final:
                    return WAIT, None
            self._after_marker = False
        special = _SPECIAL.search(held)
        if special is None:
            return len(held), None
        if special.start():
            return special.start(), None
        return (self._code(final=final), None) if held[0] == "`" else self._bracket(final=final)

    def _bracket(self, *, final: bool) -> tuple[int, Marker | None]:
        """What begins with a bracket: a marker, its beginning, or nothing of the kind."""
        held = self._held
        outer = 1 if held.startswith("[[") else 0
        if held == "[" and not final:
            return WAIT, None
        for closing in _CLOSING.finditer(held, 0, _LONGEST_QUOTE):
            end = closing.end()
            if (marker := read_marker(held[outer:end])) is not None:
                if outer and end == len(held) and not final:
                    return WAIT, None
                if outer and held[end : end + 1] != "]":
                    break
                self._after_marker = True
                return end + outer, marker
        if not _may_become_marker(held[outer:]):
            return 1, None
        if not final:
            return WAIT, None
        return (len(held), Marker(())) if re.search(r"\d", held) else (1, None)

    def _code(self, *, final: bool) -> int:
        """The length of the code that begins here, or of the backticks where none does."""
        ticks = _TICKS.match(self._held)
        assert ticks is not None
        run = ticks.group()
        if ticks.end() == len(self._held) and not final:
            return WAIT
        if len(run) >= 3 and self._before == "\n":
            self._fenced = True
            return ticks.end()
        line, broken, _ = self._held[ticks.end() :].partition("\n")
        closing = re.search(rf"(?<!`){run}(?!`)", line)
        if closing and (closing.end() < len(line) or broken or final):
            return ticks.end() + closing.end()
        if broken or final or len(line) > _LONGEST_CODE:
            return ticks.end()
        return WAIT

    def _to_end_of_fence(self, *, final: bool) -> int:
        at = self._held.find(_FENCE)
        if at >= 0:
            self._fenced = False
            return at + len(_FENCE)
        if final:
            return len(self._held)
        kept = next(size for size in (3, 2, 1, 0) if self._held.endswith(_FENCE[:size]))
        return len(self._held) - kept or WAIT


def read_marker(candidate: str) -> Marker | None:
    """The marker that a whole bracket is; None if it is something else."""
    match = _MARKER.fullmatch(candidate)
    if match is None or not _names(match["word"], candidate[0]):
        return None
    if match["word"].casefold() in _PAGES:
        return Marker(())  # a page that the writer names is not the number of a passage
    numbers: list[int] = []
    for first, last in _RANGE.findall(match["numbers"]):
        numbers += range(int(first), min(int(last), int(first) + _LONGEST_RANGE) + 1)
    numbers += [int(number) for number in re.findall(r"\d+", _RANGE.sub(" ", match["numbers"]))]
    if 0 in numbers and len(numbers) > 1:
        return None  # an interval such as [0, 1]
    return Marker(tuple(sorted(set(numbers))), match["quote"])


def may_begin_marker(text: str) -> bool:
    """Whether the end of a text could become a marker by what is written next."""
    opening = max(text.rfind(bracket) for bracket in "[(【")
    return opening >= 0 and _may_become_marker(text[opening:])


def _may_become_marker(candidate: str) -> bool:
    match = _BEGINNING.fullmatch(candidate)
    if match is None or len(candidate) > (_LONGEST_QUOTE if match["quote"] else _LONGEST):
        return False
    word = match["word"].casefold()
    if word and candidate[-1].casefold() == word[-1] and match["rest"] is None:
        return any(name.startswith(word) for name in (*_NAMES, *_PAGES))
    return _names(word, candidate[0]) or (not word and match["rest"] is None)


def _names(word: str, opening: str) -> bool:
    """Whether the word before the numbers fits a marker. In a round bracket it has to say that they are passages."""
    return word.casefold() in _NAMES or (opening != "(" and (not word or word.casefold() in _PAGES))


def _append(out: Pieces, text: str) -> None:
    if out and isinstance(out[-1], str):
        out[-1] += text
    else:
        out.append(text)
