"""Files that loop or inflate, and what nobody would call a document."""

import io
import zipfile
import zlib
from collections.abc import Iterator

MEGABYTE = 1 << 20
_PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> %s >> /Contents 4 0 R >>"
_TEXT = b"BT /F 12 Tf 20 200 Td (Supply meets demand at the price where the two curves cross.) Tj ET"


def pdf(*objects: bytes, trailer: bytes = b"") -> bytes:
    """A PDF of these objects; the first is its root."""
    made, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(
        made + b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, table)
    )


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >> stream\n" % (len(data), entries) + data + b"\nendstream"


def inflated(size: int) -> bytes:
    """Spaces, deflated."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(b" " * MEGABYTE) for _ in range(size // MEGABYTE)) + packer.flush()


def one_page(contents: bytes = b"", resources: bytes = b"", *more: bytes) -> bytes:
    return pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        _PAGE % resources,
        contents or stream(_TEXT),
        *more,
    )


def strange_files() -> Iterator[tuple[str, bytes, bool | None]]:
    """Name, bytes, and whether it is to end with text (True), with a refusal (False), or with either (None)."""
    pages = b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 >>"
    yield "tree-in-itself.pdf", pdf(b"<< /Type /Catalog /Pages 2 0 R >>", pages, _PAGE % b"", stream(_TEXT)), None
    deep = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", b"<< /Type /Pages /Kids [2 0 R] /Parent 2 0 R /Count 1 >>"
    yield "tree-in-a-ring.pdf", pdf(b"<< /Type /Catalog /Pages 2 0 R >>", *deep), False
    many = b"<< /Type /Pages /Kids [3 0 R] /Count 1000000000 >>"
    yield (
        "a-thousand-million-pages.pdf",
        pdf(b"<< /Type /Catalog /Pages 2 0 R >>", many, _PAGE % b"", stream(_TEXT)),
        None,
    )
    form = stream(b"/X Do", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >>")
    yield "form-in-itself.pdf", one_page(stream(_TEXT + b" /X Do"), b"/XObject << /X 5 0 R >>", form), None
    yield "table-before-itself.pdf", one_page().replace(b"/Root", b"/Prev 9 /Root"), None
    yield "length-in-itself.pdf", one_page(b"<< /Length 4 0 R >> stream\n" + _TEXT + b"\nendstream"), None
    yield "page-of-600-MB.pdf", one_page(stream(inflated(600 * MEGABYTE), b"/Filter /FlateDecode")), False
    twice = stream(zlib.compress(inflated(600 * MEGABYTE)), b"/Filter [/FlateDecode /FlateDecode]")
    yield "page-packed-twice.pdf", one_page(twice), False
    yield "page-of-endless-text.pdf", one_page(stream(zlib.compress(_TEXT * 200_000), b"/Filter /FlateDecode")), None
    yield "ends-in-the-middle.pdf", one_page()[:300], False
    yield "inflates.docx", _docx(b"<w:p>" + b" " * (400 * MEGABYTE)), False
    yield "billion-laughs.docx", _docx(b"<w:p><w:r><w:t>&a9;</w:t></w:r></w:p>", _LAUGHS), False


_LAUGHS = (
    b"<!DOCTYPE w [<!ENTITY a0 'ha'>"
    + b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]>"
)


def _docx(body: bytes, head: bytes = b"") -> bytes:
    made = io.BytesIO()
    word = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
        )
        archive.writestr(
            "word/document.xml", head + b'<w:document xmlns:w="%s"><w:body>' % word + body + b"</w:body></w:document>"
        )
    return made.getvalue()
