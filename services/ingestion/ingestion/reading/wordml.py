"""WordprocessingML as text: paragraphs, tables a row a line, formulas in one line."""

import re
from dataclasses import dataclass, field

from ingestion.failures import ReadingFailed

_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "noBreakHyphen": "-", "ptab": "\t"}
# A drawing is there twice, for new and old programs; what was deleted or instructs a field is not the document's text.
_SILENT = frozenset({"Fallback", "del", "moveFrom", "instrText", "delText", "pPrChange"})
_FORMULA_OPENS = {"f": "(", "rad": "√(", "sup": "^(", "sub": "_("}
_FORMULA_CLOSES = {"num": ")/(", "f": ")", "rad": ")", "sup": ")", "sub": ")"}
# Of lists the file tells numbers and bullets by reference only. Headings that are numbered are no items.
_LIST_STYLE = re.compile(r"List(?:Bullet|Number)\d?")
_HEADING_STYLE = re.compile(r"(?:Heading|Title|Subtitle|berschrift|Titel|Titre|Ttulo|Kop)\d?")
_WORD_PREFIXES = ("http://schemas.openxmlformats.org/wordprocessingml/", "http://purl.oclc.org/ooxml/wordprocessingml/")
_MATH_PREFIXES = (
    "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "http://purl.oclc.org/ooxml/officeDocument/math",
)


@dataclass(slots=True)
class _Table:
    rows: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)

    def end_row(self) -> None:
        row = " | ".join(" ".join(cell) for cell in self.cells)
        self.cells.clear()
        if row.strip(" |"):
            self.rows.append(row)


class WordText:
    """Handlers for an expat parser with namespaces; `text()` when it is through. Raises `ReadingFailed` beyond `most` characters."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._silent = 0
        self._saying = False
        self._run: list[str] = []
        self._paragraphs: list[str] = []
        self._tables: list[_Table] = []  # those that are open, the innermost last
        self._item = False  # whether the paragraph is one of a list
        self._heading = False

    def start(self, element: str, attributes: dict[str, str]) -> None:
        namespace, _, name = element.rpartition(" ")
        if self._silent or name in _SILENT:
            self._silent += 1
        elif namespace.startswith(_MATH_PREFIXES):
            self._start_formula(namespace, name, attributes)
        elif namespace.startswith(_WORD_PREFIXES):
            self._start_word(name, attributes.get(f"{namespace} val", ""))

    def _start_formula(self, namespace: str, name: str, attributes: dict[str, str]) -> None:
        if name == "t":
            self._saying = True
        elif name == "chr":
            self._say(attributes.get(f"{namespace} val", ""))
        elif name in _FORMULA_OPENS:
            self._say(_FORMULA_OPENS[name])

    def _start_word(self, name: str, value: str) -> None:
        if name == "t":
            self._saying = True
        elif name in _BREAKS:
            self._say(_BREAKS[name])
        elif name == "tbl":
            self._end_paragraph()
            self._tables.append(_Table())
        elif name == "pStyle":
            self._heading, self._item = bool(_HEADING_STYLE.fullmatch(value)), bool(_LIST_STYLE.fullmatch(value))
        elif name == "numId":
            self._item = value != "0"
        elif name == "tc" and self._tables:
            self._tables[-1].cells.append([])

    def end(self, element: str) -> None:
        if self._silent:
            self._silent -= 1
            return
        namespace, _, name = element.rpartition(" ")
        if name == "t":
            self._saying = False
        elif namespace.startswith(_MATH_PREFIXES):
            self._say(_FORMULA_CLOSES.get(name, ""))
        elif name == "p":
            self._end_paragraph()
        elif name == "tr" and self._tables:
            self._tables[-1].end_row()
        elif name == "tbl" and self._tables:
            self._place("\n".join(self._tables.pop().rows))

    def characters(self, text: str) -> None:
        if self._saying and not self._silent:
            self._say(text)

    def _say(self, text: str) -> None:
        if not text:
            return
        self._size += len(text)
        if self._size > self._most:
            raise ReadingFailed("document-too-long")
        self._run.append(text)

    def _end_paragraph(self) -> None:
        text = "".join(self._run).strip()
        is_item = self._item and not (self._heading or self._tables)
        self._run.clear()
        self._item = self._heading = False
        self._place(f"- {text}" if text and is_item else text)

    def _place(self, text: str) -> None:
        cells = self._tables[-1].cells if self._tables else None
        if text:
            (cells[-1] if cells else self._paragraphs).append(text)

    def text(self) -> str:
        """Everything that was heard."""
        self._end_paragraph()
        return "\n\n".join(self._paragraphs)
