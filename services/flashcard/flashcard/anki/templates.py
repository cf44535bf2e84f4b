"""What an Anki note type shows: its templates filled in, as far as text goes, and which of our kinds of notes that is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from flashcard.models import NoteKind

# Searched in texts of strangers: each of these takes a time that grows with the text, and no faster.
_TOKEN = re.compile(r"\{\{([^{}]*)\}\}")
_LINE, _ANSWER = re.compile(r"<hr\b[^<>]*>", re.IGNORECASE), re.compile(r"\bid\s*=\s*[\"']?answer\b", re.IGNORECASE)
_BLANKS = re.compile(r"(?:\s|<br\s{0,9}/?>)*", re.IGNORECASE)
_BACKWARDS = re.compile(r"(?:\s|>/?\s{0,9}rb<)*", re.IGNORECASE)
_LONGEST_TEMPLATE = 256_000
LONGEST_SIDE = 64_000


@dataclass(frozen=True, slots=True)
class Template:
    """A card of a note type: front and back in Anki's language of templates."""

    ordinal: int
    front: str
    back: str


@dataclass(frozen=True, slots=True)
class NoteType:
    """Fields and templates of Anki notes."""

    name: str
    cloze: bool
    fields: Sequence[str]
    templates: Sequence[Template]


@dataclass(frozen=True, slots=True)
class Face:
    """One of our notes that an Anki note comes to, and which of its cards are that note's."""

    kind: NoteKind
    question: str
    answer: str
    ordinals: Sequence[int]


def faces_of(kind: NoteType, values: Sequence[str]) -> list[Face]:
    """Our notes for an Anki note with these field values: mostly one. Where templates show more than two sides of the same, each
    card becomes a note of its own."""
    named = dict(zip(kind.fields, [*values, *[""] * len(kind.fields)], strict=False))
    if kind.cloze:
        return [_cloze_face(kind, named)]
    sides = {template.ordinal: _sides(template, named) for template in kind.templates}
    if len(sides) == 1:
        ((ordinal, (front, back)),) = sides.items()
        return [Face(NoteKind.BASIC, front, back, (ordinal,))]
    if len(sides) == 2:
        (first, (front, back)), (second, other) = sorted(sides.items())
        if other == (back, front):
            return [Face(NoteKind.REVERSED, front, back, (first, second))]
    return [Face(NoteKind.BASIC, front, back, (ordinal,)) for ordinal, (front, back) in sides.items() if front.strip()]


def _cloze_face(kind: NoteType, named: Mapping[str, str]) -> Face:
    text = next((value for value in named.values() if "{{c" in value), next(iter(named.values()), ""))
    extra = ""
    if kind.templates:
        without = {name: "" if value == text else value for name, value in named.items()}
        extra = _filled(_without_line(kind.templates[0].back), without | {"FrontSide": ""})
    return Face(NoteKind.CLOZE, text, _trimmed(extra), ())


def _sides(template: Template, named: Mapping[str, str]) -> tuple[str, str]:
    front = _filled(template.front, named)
    back = _filled(_without_line(template.back), {**named, "FrontSide": ""})
    return _trimmed(front), _trimmed(back)


def _filled(template: str, named: Mapping[str, str]) -> str:
    """The template with its fields and those of its sections that are shown; what is longer than a side may be is cut."""
    written, size, open_sections = list[str](), 0, list[tuple[str, bool]]()
    for text, mark, name in _tokens(template):
        shown = not open_sections or open_sections[-1][1]
        if mark in ("#", "^"):
            open_sections.append((name, shown and bool(named.get(name)) == (mark == "#")))
        elif mark == "/" and open_sections and open_sections[-1][0] == name:
            open_sections.pop()
        if shown:
            # `{{type:Back}}`, `{{hint:Back}}` and other filters show the field; which typing or clicking stays Anki's.
            pieces = (text, named.get(name.rpartition(":")[2].strip(), "") if not mark else "")
            written += pieces
            size += len(pieces[0]) + len(pieces[1])
        if size > LONGEST_SIDE:
            break
    return "".join(written)[: LONGEST_SIDE + 1]


@lru_cache(64)
def _tokens(template: str) -> Sequence[tuple[str, str, str]]:
    """The template in pieces: a text, and what stands behind it in braces, its mark (`#`, `^`, `/` or none) and its name."""
    at, found = 0, []
    for token in _TOKEN.finditer(template[:_LONGEST_TEMPLATE]):
        mark = token[1][:1] if token[1][:1] in ("#", "^", "/") else ""
        found.append((template[at : token.start()], mark, token[1].removeprefix(mark).strip()))
        at = token.end()
    return [*found, (template[at:], "", "")]


@lru_cache(64)
def _without_line(back: str) -> str:
    """The back without the line above the answer, and the blanks around it."""
    kept, at = [], 0
    for line in _LINE.finditer(back):
        if _ANSWER.search(line[0]):
            kept.append(back[at : line.start()].rstrip())
            at = line.end()
    rest = back[at:]
    return "".join([*kept, rest.lstrip() if kept else rest])


def _trimmed(text: str) -> str:
    start = _found(_BLANKS, text)
    return text[start : len(text) - _found(_BACKWARDS, text[start:][::-1])]


def _found(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.match(text)
    return match.end() if match else 0
