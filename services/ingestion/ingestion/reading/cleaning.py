"""What is done to extracted text before it is stored. Offsets count in the result, so whatever changes the text is done here."""

import re
import unicodedata

from ingestion.reading.hyphens import Hyphens

_SPELT_OUT = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"} | dict.fromkeys(
    "\u00a0\u2007\u202f\u2061", " "
)
_SPELLABLE = re.compile(f"[{''.join(_SPELT_OUT)}]")
# What PostgreSQL refuses (NUL, lone surrogates), what no reader shows, and the byte order mark; not U+0002, which Hyphens reads.
_INVISIBLE = re.compile("[\x00\x01\x03-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\ufeff\uffff]")
_LINE_ENDS = re.compile("[\r\x85\u2028\u2029\x0b\x0c]")
_SPACES_BEFORE_BREAK = re.compile(r"[ \t]+\n")
# PDFium breaks the line behind a subscript; what follows begins with the space or the full stop of the sentence.
_BROKEN_BY_SUBSCRIPT = re.compile(r"\n( \w|[.,;:!?)\]](?:\s|$))")
_EMPTY_LINES = re.compile(r"\n{3,}")
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str, hyphens: Hyphens | None = None) -> str:
    """Text as it is stored: NFC, `\\n` between lines, no control characters, ligatures spelt out.

    With `hyphens` it is a page that was set in lines: its cut words are joined.
    """
    text = _LINE_ENDS.sub("\n", text.replace("\r\n", "\n"))
    text = _INVISIBLE.sub("", text)
    if not text.isascii():
        text = _SPELLABLE.sub(lambda found: _SPELT_OUT[found[0]], text)
        text = unicodedata.normalize("NFC", _SURROGATES.sub("\ufffd", text))
    if hyphens:
        text = _BROKEN_BY_SUBSCRIPT.sub(r"\1", hyphens.join(text))
    text = text.replace("\x02", "").replace("\ufffe", "").replace("\u00ad", "")
    if " \n" in text or "\t\n" in text:
        text = _SPACES_BEFORE_BREAK.sub("\n", text)
    if "\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n", text)
    return text.strip(" \n\t")
