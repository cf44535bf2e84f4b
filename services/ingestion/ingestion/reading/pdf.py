"""PDF, page by page: PDFium in front, pypdf for what PDFium cannot read. Runs in a child process."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import pypdfium2  # type: ignore[import-untyped]  # it has no types
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # nor has its C interface

from ingestion.failures import ReadingFailed
from ingestion.reading.cleaning import clean
from ingestion.reading.frames import Opened, Order, Part
from ingestion.reading.hyphens import Hyphens
from ingestion.reading.limits import ReadingLimits

if TYPE_CHECKING:
    from pypdf import PdfReader

# PDFium finds the objects although there is no table of them.
_A_PAGE = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 28>>stream
BT/F 9 Tf 9 9 Td(Warm.)Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
"""


def read_pdf(order: Order, limits: ReadingLimits) -> Iterator[Opened | Part]:
    """`Opened`, then a `Part` for each page that was ordered. Raises `ReadingFailed`."""
    fallback = PypdfPages(order.path)
    pages: PdfiumPages | PypdfPages = fallback if order.reader == "last_resort" else PdfiumPages(order.path)
    count = pages.count
    if count > limits.pages:
        raise ReadingFailed("document-too-many-pages")
    if count == 0:
        raise ReadingFailed("document-empty")
    yield Opened(parts=count, has_pages=True)
    hyphens = Hyphens()
    for number in range(order.first, min(order.last or count, count) + 1):
        part = _read(pages.page, number, limits)
        if part.text is None and pages is not fallback:
            part = _read(fallback.page, number, limits)
        yield Part(number, clean(part.text, hyphens), part.pictures) if part.text else part


def _read(page: Callable[[int, int], Part], number: int, limits: ReadingLimits) -> Part:
    try:
        return page(number, limits.page_characters)
    except MemoryError:
        raise
    except ReadingFailed as failed:
        if failed.code == "document-too-long":
            raise
        return Part(number, None)
    except Exception:  # whatever a reader stumbles over, the other one or the next page may do
        return Part(number, None)


def warm_up() -> None:
    """Read a page of ours, so that PDFium has made its fonts before children are born: two thirds of a millisecond each."""
    document = pypdfium2.PdfDocument(_A_PAGE)
    page = document[0]
    lines = page.get_textpage()
    lines.get_text_range()
    lines.close()
    page.close()
    document.close()


class PdfiumPages:
    """Ten times as fast as pypdf, and it repairs more. C++: what it does not survive ends this process."""

    def __init__(self, path: str) -> None:
        try:
            self._document = pypdfium2.PdfDocument(path)
        except pypdfium2.PdfiumError as error:
            encrypted = error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
            raise ReadingFailed("document-encrypted" if encrypted else "document-damaged") from error
        self.count = len(self._document)

    def page(self, number: int, most: int) -> Part:
        """The page's text, in the order in which the file draws it."""
        page = self._document[number - 1]
        try:
            lines = page.get_textpage()
            try:
                if lines.count_chars() > most:
                    raise ReadingFailed("document-too-long")
                text = lines.get_text_range()
            finally:
                lines.close()
            pictures = not text.strip() and pdfium.FPDFPage_CountObjects(page) > 0
            return Part(number, text, pictures)
        finally:
            page.close()


class PypdfPages:
    """Pure Python, slow, and independent of PDFium's mistakes. Loaded when it is needed."""

    def __init__(self, path: str) -> None:
        self._path = path

    @cached_property
    def _document(self) -> "PdfReader":
        from pypdf import PdfReader  # noqa: PLC0415 (a third of a second that few documents need)
        from pypdf.errors import PyPdfError  # noqa: PLC0415

        try:
            reader = PdfReader(self._path)
            if reader.is_encrypted and not reader.decrypt(""):
                raise ReadingFailed("document-encrypted")
            len(reader.pages)
        except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            raise ReadingFailed("document-damaged") from error
        return reader

    @cached_property
    def count(self) -> int:
        return len(self._document.pages)

    def page(self, number: int, most: int) -> Part:
        """The page's text as pypdf orders it."""
        page = self._document.pages[number - 1]
        text = page.extract_text()
        if len(text) > most:
            raise ReadingFailed("document-too-long")
        return Part(number, text, pictures=not text.strip() and "/XObject" in (page.get("/Resources") or {}))
