"""Small files of every kind that a reader must survive, made here so that a checkout alone can test them."""

import io
import zipfile
import zlib
from xml.sax.saxutils import escape

from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde\x00\x00\x00\x0c"
    b"IDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82"
)
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def pdf(*pages: str, password: str | None = None) -> bytes:
    """A PDF with a page for each text, a line for each line."""
    made = io.BytesIO()
    canvas = Canvas(made, pagesize=A5)
    for page in pages:
        lines = canvas.beginText(40, 560)
        for line in page.splitlines():
            lines.textLine(line)
        canvas.drawText(lines)
        canvas.showPage()
    canvas.save()
    if password is None:
        return made.getvalue()
    writer = PdfWriter(clone_from=PdfReader(made))
    writer.encrypt(password, algorithm="AES-256")
    locked = io.BytesIO()
    writer.write(locked)
    return locked.getvalue()


def long_pdf(pages: int) -> bytes:
    """Pages of some 250 words, each different."""
    return pdf(*(prose(number, lines=30) for number in range(1, pages + 1)))


def prose(number: int, lines: int) -> str:
    """Sentences that name their page and line."""
    return "\n".join(
        f"On page {number} line {line} says that supply meets demand at price {number * line}." for line in range(lines)
    )


def scanned_pdf(pages: int = 1) -> bytes:
    """Pages that show a picture and hold no text."""
    made = io.BytesIO()
    canvas = Canvas(made, pagesize=A5)
    for _ in range(pages):
        canvas.rect(40, 40, 200, 300, fill=1)
        canvas.showPage()
    canvas.save()
    return made.getvalue()


def pdf_objects(*objects: bytes, root: int = 1) -> bytes:
    """A PDF of these objects, numbered from 1; only as right as they are."""
    made = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, table)
    return bytes(made)


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """A stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


def inflating_pdf(size: int) -> bytes:
    """One page whose content unpacks to `size` bytes of text operators."""
    packer = zlib.compressobj(9)
    operator = b"BT /F1 9 Tf 1 0 0 1 9 9 Tm (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) Tj ET\n"
    block = operator * (1024 * 1024 // len(operator))
    packed = b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()
    return one_page(stream(packed, b"/Filter /FlateDecode"))


def one_page(content: bytes) -> bytes:
    """A page with this content stream object."""
    return pdf_objects(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 400] /Contents 4 0 R "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        content,
    )


def pdf_that_claims_pages(count: int) -> bytes:
    """A page tree that says it has so many pages."""
    return pdf_objects(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b"3 0 R " * 1000, count),
        b"<< /Type /Pages /Parent 2 0 R /Kids [%s] /Count %d >>" % (b"4 0 R " * 1000, count // 1000),
        b"<< /Type /Page /Parent 3 0 R /MediaBox [0 0 400 400] >>",
    )


def docx(*paragraphs: str, body: str | None = None, **more: str) -> bytes:
    """A Word document of these paragraphs, or of this XML; `more` are further members of `word/`, without `.xml`."""
    inner = (
        body if body is not None else "".join(f"<w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p>" for text in paragraphs)
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("word/document.xml", f"<w:document {_WORD}><w:body>{inner}</w:body></w:document>")
        for name, xml in more.items():
            archive.writestr(f"word/{name}.xml", xml)
    return made.getvalue()


def inflating_docx(size: int) -> bytes:
    """A document of a few kilobytes a megabyte that unpacks to `size` bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        with archive.open("word/document.xml", "w", force_zip64=True) as member:
            member.write(f"<w:document {_WORD}><w:body><w:p><w:r><w:t>".encode())
            for _ in range(size // (1024 * 1024)):
                member.write(b"a" * (1024 * 1024))
            member.write(b"</w:t></w:r></w:p></w:body></w:document>")
    return made.getvalue()
