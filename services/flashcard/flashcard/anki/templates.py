"""What an Anki note type shows: its templates filled in, as far as text goes, and which of our kinds of notes that is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flashcard.models import NoteKind

_SECTION = re.compile(r"\{\{([#^])([^{}]+)\}\}(.*?)\{\{/\2\}\}", re.DOTALL)
_FIELD = re.compile(r"\{\{([^{}#^/][^{}]*)\}\}")
_ANSWER_LINE = re.compile(r"\s*<hr[^>]*id\s*=\s*[\"']?answer[\"']?[^>]*>\s*", re.IGNORECASE)
_DEEPEST = 10


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
        extra = _filled(_ANSWER_LINE.sub("", kind.templates[0].back), without | {"FrontSide": ""})
    return Face(NoteKind.CLOZE, text, _trimmed(extra), ())


def _sides(template: Template, named: Mapping[str, str]) -> tuple[str, str]:
    front = _filled(template.front, named)
    back = _filled(_ANSWER_LINE.sub("", template.back), {**named, "FrontSide": ""})
    return _trimmed(front), _trimmed(back)


def _filled(template: str, named: Mapping[str, str]) -> str:
    for _ in range(_DEEPEST):
        chosen = _SECTION.sub(
            lambda match: match[3] if bool(named.get(match[2].strip())) == (match[1] == "#") else "", template
        )
        if chosen == template:
            break
        template = chosen
    # `{{type:Back}}`, `{{hint:Back}}` and other filters show the field; which typing or clicking stays Anki's.
    return _FIELD.sub(lambda match: named.get(match[1].rpartition(":")[2].strip(), ""), template)


def _trimmed(text: str) -> str:
    return re.sub(r"^(?:\s|<br\s*/?>)+|(?:\s|<br\s*/?>)+$", "", text)
