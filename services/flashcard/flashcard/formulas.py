"""What goes through Markdown and the sanitizer untouched: LaTeX, and Anki's sounds. It is taken out before, and put back after.

Formulas are delimited as in Anki, `\\(…\\)`, `\\[…\\]`, `[$]…[/$]`, `[$$]…[/$$]`, `[latex]…[/latex]`, or as in Markdown, `$$…$$` and, with Pandoc's rule that
keeps prices apart, `$…$`. They come out as `\\(…\\)`, `\\[…\\]` and `$$…$$`, which KaTeX and MathJax look for by themselves.
"""

import re
from collections.abc import Callable, Iterator
from html import escape, unescape

# Noncharacters: no text means anything by them, and Markdown and HTML leave them alone.
SHOWN, SHOWN_END, HELD, HELD_END = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"
MARKS = re.compile(f"{HELD}\\d+{HELD_END}|[{SHOWN}{SHOWN_END}{HELD}{HELD_END}]")

_INTEREST = re.compile(
    r"(?P<fence>^[ ]{0,3}(?:`{3,}|~{3,}))|(?P<code>`+)|(?P<formula>\\\(|\\\[|\[\$\$?\]|\$\$|(?i:\[latex\]))|(?P<dollar>\$(?=[^\s$]))"
    r"|(?P<sound>\[sound:)|\\.|</?[a-zA-Z][^<>]*>",
    re.MULTILINE | re.DOTALL,
)
_CLOSINGS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$", "[$]": "[/$]", "[$$]": "[/$$]", "[sound:": "]"}
_WRITTEN = {"$": ("\\(", "\\)"), "[$]": ("\\(", "\\)"), "[$$]": ("\\[", "\\]")}
_DOLLAR, _LONGEST_IN_DOLLARS = re.compile(r"(?<![\s\\])\$(?!\d)"), 500
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]\w{1,30});")
_NEW_LINE = re.compile(r"</?(?:br|div|p)\s*/?>")
_LATEX, _LATEX_END = "[latex]", re.compile(r"\[/latex\]", re.IGNORECASE)
# What begins and ends formulas in a text that is LaTeX, and what only looks so.
_IN_LATEX = re.compile(r"\\[\\$]|\$\$?|\\[()\[\]]")


class Held:
    """What was taken out of a text. `sound` makes an element of the name of a file."""

    def __init__(self, sound: Callable[[str], str]) -> None:
        self._sound = sound
        self._elements: list[str] = []

    def take(self, text: str, *, markdown: bool) -> str:
        """The text with marks in the places of what was taken out; in Markdown, code is left as it is."""
        written: list[str] = []
        at = 0
        for start, opening, inside, end in _found(text, markdown=markdown):
            self._elements.append(self._element(opening, inside))
            written += [text[at:start], f"{HELD}{len(self._elements) - 1}{HELD_END}"]
            at = end
        return "".join([*written, text[at:]])

    def _element(self, opening: str, inside: str) -> str:
        match opening.lower():
            case "[sound:":
                return self._sound(unescape(inside))
            case "[latex]":
                return _document(inside)
            case _:
                return formula(opening, inside)

    def put_back(self, html: str) -> str:
        """HTML without marks."""
        return re.sub(f"{HELD}(\\d+){HELD_END}", lambda mark: self._elements[int(mark[1])], html)


def formula(opening: str, inside: str) -> str:
    """A formula as an element; what Anki's editor put into it of HTML is LaTeX again."""
    begins, ends = _WRITTEN.get(opening, (opening, _CLOSINGS.get(opening, "")))
    return f'<span class="math">{escape(begins + _plain(inside) + ends, quote=False)}</span>'


def _plain(html: str) -> str:
    return _ENTITY.sub(lambda entity: unescape(entity[0]), _NEW_LINE.sub("\n", MARKS.sub("", html)))


def _document(inside: str) -> str:
    """What stands in `[latex]`: one formula, or a text that has some in dollars or brackets."""
    pieces = list(_pieces(inside))
    if len(pieces) == 1 or inside.lstrip().startswith("\\begin{"):
        return formula("[$$]", inside)
    return "".join(
        formula(opening, piece) if opening else escape(_plain(piece), quote=False).replace("\n", "<br>")
        for opening, piece in pieces
    )


def _pieces(latex: str) -> Iterator[tuple[str, str]]:
    """Each piece with what opens it: nothing for text. In LaTeX a dollar opens a formula whatever stands beside it."""
    at, opening, inside = 0, "", 0
    for mark in _IN_LATEX.finditer(latex):
        if not opening and (mark[0] == "$" or mark[0] in _CLOSINGS):
            opening, inside, began = mark[0], mark.end(), mark.start()
        elif opening and mark[0] == _CLOSINGS.get(opening, "$"):
            yield "", latex[at:began]
            yield opening, latex[inside : mark.start()]
            at, opening = mark.end(), ""
    yield "", latex[at:]


def _found(text: str, *, markdown: bool) -> Iterator[tuple[int, str, str, int]]:
    """Each formula and sound: where it begins, its opening, what stands in it, and where it ends."""
    missing = set[str]()  # what does not come any more: to look again each time would take for ever
    at = 0
    while match := _INTEREST.search(text, at):
        kind, opening, at = match.lastgroup, match[0], match.end()
        if kind in ("fence", "code") and markdown:
            at = _end_of_code(text, opening, at, missing, fence=kind == "fence")
        elif kind in ("formula", "sound") or (kind == "dollar" and markdown):
            inside, end = _end_of_formula(text, opening, at, missing)
            if end:
                yield match.start(), opening, text[at:inside], end
                at = end


def _end_of_code(text: str, opening: str, at: int, missing: set[str], *, fence: bool) -> int:
    marks = opening.strip()
    if fence:
        closing = re.compile(rf"^[ ]{{0,3}}{marks}{marks[0]}*[ \t]*$", re.MULTILINE).search(text, at)
        return closing.end() if closing else len(text)
    closing = None if marks in missing else re.compile(f"(?<!`){marks}(?!`)").search(text, at)
    if closing is None:
        missing.add(marks)
    return closing.end() if closing else at


def _end_of_formula(text: str, opening: str, at: int, missing: set[str]) -> tuple[int, int]:
    """Where its inside ends, and it; zeros where it does not."""
    if opening == "$":
        closing = _DOLLAR.search(text, at, at + _LONGEST_IN_DOLLARS)
        inside, end = closing.span() if closing else (0, 0)
    else:
        inside, end = (-1, 0) if opening.lower() in missing else _closing(text, opening, at)
        if inside < 0:
            missing.add(opening.lower())
            return 0, 0
    one_paragraph = opening not in ("$", "$$") or "\n\n" not in text[at:inside]
    return (inside, end) if inside > at and one_paragraph else (0, 0)


def _closing(text: str, opening: str, at: int) -> tuple[int, int]:
    if opening.lower() == _LATEX:
        closing = _LATEX_END.search(text, at)
        return closing.span() if closing else (-1, 0)
    inside = text.find(_CLOSINGS[opening], at)
    return inside, inside + len(_CLOSINGS[opening])
