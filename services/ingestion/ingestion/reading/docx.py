"""DOCX: sizes first, then the text of the body and the notes, streamed through expat. Runs in a child process.

docx2txt is the reader of last resort: it puts each table cell on a line of its own and drops formulas.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import BadZipFile, ZipFile, ZipInfo

import docx2txt  # type: ignore[import-untyped]  # it has no types

from ingestion.failures import ReadingFailed
from ingestion.reading.limits import MEBIBYTE, ReadingLimits
from ingestion.reading.wordml import WordText

BODY = "word/document.xml"
NOTES = ("word/footnotes.xml", "word/endnotes.xml")
_ENCRYPTED_FLAG = 0x1
_BUILDS_A_TREE_UP_TO = 32 * MEBIBYTE


def read_docx(path: Path, limits: ReadingLimits) -> str:
    """The text of the document, a blank line between paragraphs. Raises `ReadingFailed`."""
    try:
        with ZipFile(path) as archive:
            wanted = list(_wanted(archive, limits))
            text = "\n\n".join(filter(None, (_text(archive, entry, limits) for entry in wanted)))
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise ReadingFailed("document-damaged") from error
    except ExpatError as error:
        if sum(entry.file_size for entry in wanted) > _BUILDS_A_TREE_UP_TO:
            raise ReadingFailed("document-damaged") from error
        text = _last_resort(path)
    return text


def _wanted(archive: ZipFile, limits: ReadingLimits) -> Iterator[ZipInfo]:
    names = archive.NameToInfo
    if BODY not in names:
        raise ReadingFailed("document-unsupported")
    inflated = 0
    for name in (BODY, *NOTES):
        if (entry := names.get(name)) is None:
            continue
        if entry.flag_bits & _ENCRYPTED_FLAG:
            raise ReadingFailed("document-encrypted")
        # The size that the archive states; zipfile gives no byte more than that.
        inflated += entry.file_size
        if inflated > limits.inflated:
            raise ReadingFailed("document-inflates")
        yield entry


def _text(archive: ZipFile, entry: ZipInfo, limits: ReadingLimits) -> str:
    heard = WordText(limits.characters)
    parser = ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = heard.start
    parser.EndElementHandler = heard.end
    parser.CharacterDataHandler = heard.characters
    parser.StartDoctypeDeclHandler = _refuse_doctype
    with archive.open(entry) as stream:
        while block := stream.read(MEBIBYTE):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    return heard.text()


def _refuse_doctype(*_: object) -> None:
    # Word writes none; it is where entities that expand to gigabytes are declared.
    raise ReadingFailed("document-damaged")


def _last_resort(path: Path) -> str:
    try:
        return str(docx2txt.process(str(path)))
    except Exception as error:  # it promises nothing about what it raises
        raise ReadingFailed("document-damaged") from error
