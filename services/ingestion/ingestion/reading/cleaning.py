"""What is done to extracted text before it is stored. Offsets count in the result, so whatever changes the text is done here."""

import re
import unicodedata

from ingestion.reading.hyphens import Hyphens

_SPELT_OUT = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"} | dict.fromkeys(
    "\u00a0\u2007\u202f\u2061", " "
)
_LINE_ENDS = "\r\x85\u2028\u2029\x0b\x0c"
# What PostgreSQL refuses (NUL, lone surrogates), what no reader shows, and the byte order mark; not U+0002, which Hyphens reads.
_INVISIBLE = "\x00\x01\x03-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\ufeff\uffff"
_SURROGATES = "\ud800-\udfff"
# One pass finds that a page has nothing of it, as most have.
_ODD = re.compile(f"[{_LINE_ENDS}{_INVISIBLE}{_SURROGATES}{''.join(_SPELT_OUT)}]")
_SPACES_BEFORE_BREAK = re.compile(r"[ \t]+\n")
# PDFium breaks the line behind a subscript; what follows begins with the space or the full stop of the sentence.
_BROKEN_BY_SUBSCRIPT = re.compile(r"\n( \w|[.,;:!?)\]](?:\s|$))")
_EMPTY_LINES = re.compile(r"\n{3,}")


def clean(text: str, hyphens: Hyphens | None = None) -> str:
    """Text as it is stored: NFC, `\\n` between lines, no control characters, ligatures spelt out.

    With `hyphens` it is a page that was set in lines: its cut words are joined.
    """
    text = _ODD.sub(_even, text.replace("\r\n", "\n"))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if hyphens:
        text = _BROKEN_BY_SUBSCRIPT.sub(r"\1", hyphens.join(text))
    text = text.replace("\x02", "").replace("\ufffe", "").replace("\u00ad", "")
    if " \n" in text or "\t\n" in text:
        text = _SPACES_BEFORE_BREAK.sub("\n", text)
    if "\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n", text)
    return text.strip(" \n\t")


def _even(odd: re.Match[str]) -> str:
    character = odd[0]
    if character in _LINE_ENDS:
        return "\n"
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    return _SPELT_OUT.get(character, "")
