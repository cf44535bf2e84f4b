"""Running heads and feet: lines that stand at the edge of page after page.

They stay in the stored text, because they stand on the page; passages are cut from the body between them.
"""

import re
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass

from ingestion.reading.frames import Opened, Part

# Odd and even pages have heads of their own, and a section's head ends with it.
AHEAD = 6
BEHIND = 6
EDGE_LINES = 3
# A line is running when so many pages in sight, itself included, have it at the same edge.
SEEN_ON = 3
_DIGITS = re.compile(r"\d+|\b[ivxlc]{1,6}\b")
_LETTERS = re.compile(r"[^\W\d_]")
_PAGE_NUMBER = re.compile(r"\W*(?:page|p|seite|página|strona)?\W*0(?:\W+(?:of|/|von|de)?\W*0)?\W*")


@dataclass(frozen=True, slots=True)
class Body:
    """A part with the stretch of its text that is no running line: `text[start:end]`."""

    part: Part
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Edges:
    head: list[tuple[str, int]]
    """The first lines without their numbers, and where the text goes on after each."""
    foot: list[tuple[str, int]]
    """The last lines from the bottom up, and where the text before each ends."""


async def bodies(parts: AsyncIterable[Opened | Part]) -> AsyncGenerator[Opened | Body]:
    """The same parts in the same order, each a few pages late, with their bodies."""
    behind: deque[_Edges] = deque(maxlen=BEHIND)
    ahead: deque[tuple[Part, _Edges]] = deque()
    has_pages = False
    async for part in parts:
        if isinstance(part, Opened):
            has_pages = part.has_pages
            yield part
            continue
        ahead.append((part, _edges(part.text or "")))
        if not has_pages or len(ahead) > AHEAD:
            yield _next(behind, ahead, has_pages)
    while ahead:
        yield _next(behind, ahead, has_pages)


def _next(behind: deque[_Edges], ahead: deque[tuple[Part, _Edges]], has_pages: bool) -> Body:
    part, edges = ahead[0]
    length = len(part.text or "")
    body = Body(part, 0, length)
    if has_pages:
        in_sight = [*behind, *(other for _, other in ahead)]
        start = _running(edges.head, Counter(line for other in in_sight for line, _ in other.head), 0)
        end = _running(edges.foot, Counter(line for other in in_sight for line, _ in other.foot), length)
        if start < end and _LETTERS.search(part.text or "", start, end):
            body = Body(part, start, end)
    behind.append(edges)
    ahead.popleft()
    return body


def _running(lines: list[tuple[str, int]], seen: Counter[str], border: int) -> int:
    """How far the running lines reach from the edge: the place behind the last of them."""
    for line, place in lines:
        if seen[line] < SEEN_ON or not (len(_LETTERS.findall(line)) >= 4 or _PAGE_NUMBER.fullmatch(line)):
            break
        border = place
    return border


def _edges(text: str) -> _Edges:
    head: list[tuple[str, int]] = []
    place = 0
    while len(head) < EDGE_LINES and place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        head.append((_without_numbers(text[place:end]), min(end + 1, len(text))))
        place = end + 1
    foot: list[tuple[str, int]] = []
    place = len(text)
    while len(foot) < EDGE_LINES and place > 0:
        start = text.rfind("\n", 0, place) + 1
        foot.append((_without_numbers(text[start:place]), max(start - 1, 0)))
        place = start - 1
    return _Edges(head, foot)


def _without_numbers(line: str) -> str:
    return _DIGITS.sub("0", " ".join(line[:200].casefold().split()))
