"""Cards as text: CSV and TSV, with the header lines that Anki writes and reads (docs.ankiweb.net/importing/text-files.html)."""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chassis.errors import Invalid

from flashcard.card_text import fingerprint, ordinals
from flashcard.decks import DEFAULT
from flashcard.fitting import Fitting
from flashcard.incoming import Incoming, IncomingNote, counted
from flashcard.models import Markup, NoteKind

MOST_BYTES = 32 * 1024 * 1024
_MOST_ROWS = 200_000
_LONGEST_SIDE = 64_000
_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": " ", "pipe": "|", "colon": ":"}
_NAMES = {"question": "question", "front": "question", "text": "question", "answer": "answer", "back": "answer",
          "back extra": "answer", "tags": "tags", "deck": "deck", "guid": "guid", "notetype": "notetype"}  # fmt: skip
# Lines of ours, which Anki passes over: without them, `html:true` would make Markdown HTML.
_MARKUP = "study teddy markup"
_KINDS = {NoteKind.BASIC: "Basic", NoteKind.REVERSED: "Basic (and reversed card)", NoteKind.CLOZE: "Cloze"}


class NotATable(Invalid):
    type, title = "not-a-table", "This is no table of cards that can be read"


@dataclass(frozen=True, slots=True)
class _Header:
    """What the lines that begin with `#` say: values for all rows, and columns (from 0) by what they hold."""

    separator: str | None
    values: Mapping[str, str]
    columns: Mapping[str, int]


def read_table(content: bytes) -> Incoming:
    """The cards in a table. Raises `NotATable`."""
    # Not `splitlines`, which also cuts at what no table ends its lines with, such as U+2028.
    lines = io.StringIO(_decoded(content), newline="")
    said = []
    while (line := lines.readline()).startswith("#"):
        said.append(line)
    header = _header(said)
    # From the first row on a # is a text's own: a heading in Markdown stands at the start of a line, too.
    body = line + lines.read()
    separator = header.separator or _guessed(body)
    try:
        table = csv.reader(io.StringIO(body, newline=""), delimiter=separator)
        rows = [row for row in table if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise NotATable(f"The table cannot be read: {error}. Check its quotation marks.") from error
    if len(rows) > _MOST_ROWS:
        raise NotATable(f"A table may have {_MOST_ROWS} rows. Split it.")
    columns = dict(header.columns)
    if rows and not columns and (named := _named(rows[0])):
        columns, rows = named, rows[1:]
    fitting = Fitting()
    notes = [_note(row, columns, header.values, fitting) for row in rows]
    found = _with_guids([note for note in notes if note is not None])
    if not found:
        raise NotATable("No row has a question and an answer. Give each card a row: question, answer, tags.")
    left = len(notes) - len(found)
    told = f"{counted(left, 'row is', 'rows are')} left out: without a question or an answer, or too long."
    warnings = [told] if left else []
    return Incoming(found, warnings=[*warnings, *fitting.warnings()], decks=sorted({note.deck for note in found}))


def written_table(
    notes: Iterable[tuple[str, NoteKind, str, str, str, Sequence[str], Markup]], separator: str = ","
) -> str:
    """A table of guid, kind, deck, question, answer, tags and markup of each note, which Anki and `read_table` take."""
    out = io.StringIO()
    name = {mark: name for name, mark in _SEPARATORS.items()}[separator].capitalize()
    columns = ("guid column:1", "notetype column:2", "deck column:3", "tags column:6", f"{_MARKUP} column:7")
    out.write("".join(f"#{line}\n" for line in (f"separator:{name}", "html:true", *columns)))
    # A first cell that begins with # would be taken for a header line: guids of ours and Anki's may.
    table = csv.writer(out, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for guid, kind, deck, question, answer, tags, markup in notes:
        table.writerow((guid, _KINDS[kind], deck, question, answer, " ".join(tags), markup))
    return out.getvalue()


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise NotATable("The table is not in UTF-8. Save it again, and choose the encoding UTF-8.") from error
    if "\x00" in text:
        raise NotATable("The file is no text. Save it as CSV or TSV in UTF-8.")
    return text


def _header(lines: Sequence[str]) -> _Header:
    separator: str | None = None
    values: dict[str, str] = {}
    columns: dict[str, int] = {}
    for line in lines:
        key, _, value = line[1:].strip().partition(":")
        key, value = key.strip().lower(), value.strip("\r\n")
        if key == "separator":
            separator = _SEPARATORS.get(value.strip().lower(), "\t" if value == "\\t" else value[:1] or None)
        elif key == "columns":
            mark = separator or "\t"
            columns |= _named(next(csv.reader([value], delimiter=mark), [])) or {}
        elif key.endswith(" column") and value.strip().isdigit():
            columns[key.removesuffix(" column")] = int(value) - 1
        elif key in ("deck", "notetype", "tags", "html", _MARKUP):
            values[key] = value.strip()
    return _Header(separator, values, columns)


def _guessed(body: str) -> str:
    first = next((line for line in io.StringIO(body, newline="") if line.strip()), "")
    return next((mark for mark in ("\t", ";", ",") if mark in first), "\t")


def _named(cells: Sequence[str]) -> dict[str, int] | None:
    names = [_NAMES.get(cell.strip().lower()) for cell in cells]
    if "question" not in names:
        return None
    return {name: place for place, name in reversed(list(enumerate(names))) if name}


def _note(
    row: Sequence[str], columns: Mapping[str, int], values: Mapping[str, str], fitting: Fitting
) -> IncomingNote | None:
    def cell(name: str) -> str:
        place = columns.get(name, -1)
        return row[place].strip() if 0 <= place < len(row) else ""

    markup = _markup(values, cell(_MARKUP) or values.get(_MARKUP))
    if "question" in columns:
        question, answer = cell("question"), cell("answer")
    else:
        special = {columns[name] for name in ("guid", "notetype", "deck", "tags", _MARKUP) if name in columns}
        sides = [text.strip() for place, text in enumerate(row) if place not in special]
        tags_too = "tags" not in columns and not columns and len(sides) > 2
        # Where note types are mixed, Anki gives each row the columns of the longest.
        line_end = "<br>" if markup is Markup.HTML else "\n"
        question, answer = sides[0] if sides else "", line_end.join(filter(None, sides[1:2] if tags_too else sides[1:]))
        values = {**values, "tags": f"{values.get('tags', '')} {sides[2]}"} if tags_too else values
    kind = _kind(cell("notetype") or values.get("notetype", ""), question)
    # What has a guid was a note before, and may have no answer; without one a lone cell is rather another separator's row.
    if not _usable(kind, question, answer or cell("guid")):
        return None
    tags = fitting.tags(f"{cell('tags')} {values.get('tags', '')}".split())
    deck = fitting.deck(cell("deck") or values.get("deck") or DEFAULT)
    return IncomingNote(fitting.guid(cell("guid")), kind, question, answer, tags, deck, markup=markup)


def _with_guids(notes: Sequence[IncomingNote]) -> list[IncomingNote]:
    """A row without a guid is known by its question, so that importing it again with another answer changes it. Of several that
    ask the same, those that differ from the first are known by all of their text."""
    first: dict[str, tuple[str, ...]] = {}
    told = []
    for note in notes:
        asks, text = fingerprint(note.question), (note.kind, note.question, note.answer)
        mark = (
            "" if first.setdefault(asks, text) == text else f":{hashlib.sha256(repr(text).encode()).hexdigest()[:16]}"
        )
        told.append(note if note.guid else replace(note, guid=f"text:{asks}{mark}"))
    return told


def _markup(values: Mapping[str, str], said: str | None) -> Markup:
    html = values.get("html", "").lower() == "true" and said != Markup.MARKDOWN
    return Markup.HTML if html else Markup.MARKDOWN


def _usable(kind: NoteKind, question: str, answer: str) -> bool:
    if not question or max(len(question), len(answer)) > _LONGEST_SIDE:
        return False
    if kind is not NoteKind.CLOZE:
        return bool(answer)
    try:
        return bool(ordinals(kind, question))
    except ValueError:
        return False


def _kind(name: str, question: str) -> NoteKind:
    if "cloze" in name.lower() or (not name and "{{c1::" in question):
        return NoteKind.CLOZE
    return NoteKind.REVERSED if "reversed" in name.lower() else NoteKind.BASIC
