"""What a file is, told from its first bytes and never from its name."""

import re

from chassis.errors import UnsupportedMedia

from ingestion.models import Kind

# Enough for the names of a DOCX's first members, and for a text to show its structure.
HEAD_BYTES = 64 * 1024
_ADVICE = "Upload a PDF, Word (.docx), Markdown or text file."
_PICTURE = "Export it as a PDF with text; a picture alone holds none."
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", _PICTURE),
    (b"\xff\xd8\xff", "a JPEG picture", _PICTURE),
    (b"GIF8", "a GIF picture", _PICTURE),
    (b"II*\x00", "a TIFF picture", _PICTURE),
    (b"MM\x00*", "a TIFF picture", _PICTURE),
    (b"RIFF", "a picture or a recording", _PICTURE),
    (b"ID3", "a recording", "Write down what it says and upload that."),
    (b"{\\rtf", "a rich text (RTF) document", "Open it in a word processor and save it as .docx or PDF."),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Office document, or one that is protected by a password",
        "Save it as .docx or PDF, without a password.",
    ),
    (b"\x1f\x8b", "a compressed file", "Unpack it first."),
    (b"7z\xbc\xaf\x27\x1c", "an archive", "Unpack it first, and upload the documents in it."),
    (b"Rar!", "an archive", "Unpack it first, and upload the documents in it."),
    (b"\x7fELF", "a program", ""),
    (b"MZ", "a program", ""),
)
_ZIP = b"PK\x03\x04"
_ZIP_MEMBERS: tuple[tuple[bytes, str, str], ...] = (
    (b"mimetypeapplication/vnd.oasis.opendocument", "an OpenDocument file", "Save it as .docx or PDF."),
    (b"mimetypeapplication/epub", "an e-book", "Convert it to PDF."),
    (b"ppt/", "a PowerPoint presentation", "Export it as PDF."),
    (b"xl/", "an Excel workbook", "Export it as PDF."),
)
_WORD_MEMBERS = (b"word/", b"[Content_Types].xml", b"_rels/", b"docProps/", b"customXml/")
_WEB_PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html[\s>])", re.IGNORECASE | re.DOTALL
)
_UNICODE_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MARKDOWN = re.compile(
    r"^(?:#{1,6} +\S|```|~~~|> +\S|\|.+\|\s*$)|\[[^\]\n]+\]\([^)\s]+\)|\*\*[^*\n]+\*\*", re.MULTILINE
)


class UnsupportedDocument(UnsupportedMedia):
    type, title = "document-unsupported", "This kind of file is not supported"


def detect(head: bytes) -> Kind:
    """The kind of a file that begins with `head` (`HEAD_BYTES` of it, or all). Raises `UnsupportedDocument`."""
    if b"%PDF-" in head[:1024]:
        return Kind.PDF
    for magic, what, advice in _FOREIGN:
        # Two or three letters may begin a text as well.
        if head.startswith(magic) and (len(magic) > 3 or not _is_text(head)):
            raise _unsupported(what, advice)
    if head.startswith(_ZIP):
        return _zip(head)
    if _WEB_PAGE.match(head[:4096]):
        raise _unsupported("a web page", "Print it to a PDF in your browser and upload that.")
    if not _is_text(head):
        raise _unsupported("a binary file", "")
    return Kind.MARKDOWN if _MARKDOWN.search(head.decode("utf-8", "replace")) else Kind.TEXT


def _zip(head: bytes) -> Kind:
    for member, what, advice in _ZIP_MEMBERS:
        if member in head:
            raise _unsupported(what, advice)
    if not any(member in head for member in _WORD_MEMBERS):
        raise _unsupported("an archive", "Unpack it first, and upload the documents in it.")
    return Kind.DOCX


def _is_text(head: bytes) -> bool:
    if head.startswith(_UNICODE_MARKS):
        return True
    zeros = head.count(0)
    if zeros and max(head[::2].count(0), head[1::2].count(0)) > 0.9 * zeros and zeros > 0.3 * len(head):
        return True  # UTF-16 without a mark
    return len(_CONTROL.findall(head)) <= 0.01 * len(head)


def _unsupported(what: str, advice: str) -> UnsupportedDocument:
    return UnsupportedDocument(" ".join(filter(None, (f"This is {what}.", _ADVICE, advice))))
