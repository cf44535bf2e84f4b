"""What a note's text comes to as cards: sides, cloze deletions, and the fingerprint that finds duplicates."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from flashcard.models import NoteKind

# {{c1::answer}} and {{c1::answer::hint}}, as Anki writes them; one deletion may stand in another.
_OPENING = re.compile(r"\{\{c(\d{1,3})::")
_TAG, _EMPHASIS = re.compile(r"<[^<>]*>"), re.compile(r"[*_`#~]+")
_FILE = re.compile(r"""\b(?:src|data)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_BRACES = re.compile(r"\{\{c\d{1,3}::|\}\}")
MOST_CARDS = 100
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Marks:
    """How deletions are written: around the hint of a hidden one, `unsaid` where it has none, and around one that is shown;
    `between` stands before what comes behind a cloze."""

    hidden: tuple[str, str] = ("[", "]")
    unsaid: str = "…"
    shown: tuple[str, str] = ("**", "**")
    between: str = "\n\n"


PLAIN = Marks()


def ordinals(kind: NoteKind, question: str) -> Sequence[int]:
    """The ordinals of the cards that a note has. Raises `ValueError` for a cloze note without a deletion."""
    if kind == NoteKind.BASIC:
        return (0,)
    if kind == NoteKind.REVERSED:
        return (0, 1)
    numbers = sorted({int(match[1]) for match in _OPENING.finditer(question) if int(match[1]) > 0})
    if not numbers:
        raise ValueError("a cloze card hides something: write {{c1::what is hidden}} in the question")
    if len(numbers) > MOST_CARDS:
        raise ValueError(f"a cloze note makes at most {MOST_CARDS} cards")
    if _depth(question) > _DEEPEST:
        raise ValueError(f"deletions may stand inside each other {_DEEPEST} deep, and no deeper")
    return [number - 1 for number in numbers]


def sides(kind: NoteKind, question: str, answer: str, ordinal: int, marks: Marks = PLAIN) -> tuple[str, str]:
    """What a card shows first, and then."""
    if kind == NoteKind.BASIC:
        return question, answer
    if kind == NoteKind.REVERSED:
        return (question, answer) if ordinal == 0 else (answer, question)
    hidden, shown = (_cloze(question, ordinal + 1, marks, hide=hide) for hide in (True, False))
    return hidden, f"{shown}{marks.between}{answer}" if answer else shown


def fingerprint(question: str) -> str:
    """The same for questions that differ only in case, markup, accents of typing and white space. Another picture asks something else."""
    plain = unicodedata.normalize("NFKC", _EMPHASIS.sub("", _TAG.sub(" ", question))).casefold()
    files = [name for tag in _TAG.findall(question) for found in _FILE.findall(tag) for name in found if name]
    return hashlib.sha256(" ".join([*plain.split(), *files]).encode()).hexdigest()[:32]


def _cloze(text: str, number: int, marks: Marks, *, hide: bool) -> str:
    """The text with the deletions of `number` hidden, or marked, and all others filled in."""
    written: list[str] = []
    at = 0
    while match := _OPENING.search(text, at):
        end = _closing(text, match.end())
        if end is None:
            break
        written.append(text[at : match.start()])
        inner, hint = _hinted(text[match.end() : end])
        if int(match[1]) != number:
            written.append(_cloze(inner, number, marks, hide=hide))
        elif hide:
            written.append((hint or marks.unsaid).join(marks.hidden))
        else:
            written.append(_cloze(inner, number, marks, hide=hide).join(marks.shown))
        at = end + 2
    return "".join([*written, text[at:]])


def _closing(text: str, start: int) -> int | None:
    """Where the `}}` stands that ends the deletion whose text begins at `start`."""
    depth = 1
    for match in _BRACES.finditer(text, start):
        depth += 1 if match[0] != "}}" else -1
        if depth == 0:
            return match.start()
    return None


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _BRACES.finditer(text):
        depth = max(0, depth + (1 if match[0] != "}}" else -1))
        deepest = max(deepest, depth)
    return deepest


def _hinted(inner: str) -> tuple[str, str | None]:
    text, separator, hint = inner.rpartition("::")
    # The last `::` may stand inside a deletion that is nested here.
    return (
        (text, hint)
        if separator and "{{c" not in hint and "}}" not in hint and not text.endswith("{{c")
        else (inner, None)
    )
