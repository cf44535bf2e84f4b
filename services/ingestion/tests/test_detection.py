"""What a file is, by its content; its name says nothing."""

import codecs
import io
import zipfile

import pytest
from ingestion.detection import UnsupportedDocument, detect
from ingestion.models import Kind

from . import hostile_files


def archive(**members: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/"), content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.4\n...", Kind.PDF),
        (b"\r\n" * 100 + b"%PDF-1.4\n...", Kind.PDF),
        (hostile_files.docx("text"), Kind.DOCX),
        (b"plain notes about supply", Kind.TEXT),
        (b"x", Kind.TEXT),
        (b"   \n", Kind.TEXT),
        ("ünïcode".encode(), Kind.TEXT),
        ("Größe".encode("latin-1"), Kind.TEXT),
        (codecs.BOM_UTF16_LE + "wide".encode("utf-16-le"), Kind.TEXT),
        ("no mark, but wide".encode("utf-16-be"), Kind.TEXT),
        (b"MZ is how these notes begin", Kind.TEXT),
        (b"ID3 is a decision tree algorithm", Kind.TEXT),
        (b"\x1b[1mcoloured\x1b[0m", Kind.TEXT),
        (b"# Supply\n\nand demand", Kind.MARKDOWN),
        (b"see [the book](https://example.org/b)", Kind.MARKDOWN),
        (b"a | b\n|---|---|\n", Kind.MARKDOWN),
        (b"this is **important**", Kind.MARKDOWN),
        (b"#hashtag and C# are no headings", Kind.TEXT),
        (b"<h1 align=center>Title</h1>\n\n## Heading", Kind.MARKDOWN),
    ],
)
def test_what_is_read_is_recognised(content: bytes, kind: Kind) -> None:
    assert detect(content) is kind


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (hostile_files.PNG, "PNG picture"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG picture"),
        (b"GIF89a\x01\x00\x01\x00", "GIF picture"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "picture or a recording"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "recording"),
        (rb"{\rtf1\ansi Some text}", "RTF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100, "old Office document"),
        (b"<!DOCTYPE html><html><body>Hi</body></html>", "web page"),
        (b'\n<?xml version="1.0"?>\n<HTML lang="en">', "web page"),
        (archive(ppt__presentation="x"), "PowerPoint"),
        (archive(xl__workbook="x"), "Excel"),
        (archive(mimetype="application/vnd.oasis.opendocument.text"), "OpenDocument"),
        (archive(mimetype="application/epub+zip"), "e-book"),
        (archive(notes="x"), "archive"),
        (b"PK\x05\x06" + b"\x00" * 18, "binary file"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "archive"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "compressed"),
        (b"\x7fELF\x02\x01\x01\x00", "program"),
        (b"MZ\x90\x00\x03\x00\x00\x00", "program"),
        (bytes(range(256)), "binary file"),
    ],
)
def test_anything_else_is_refused_by_its_name_and_with_advice(content: bytes, named: str) -> None:
    with pytest.raises(UnsupportedDocument) as refused:
        detect(content)
    assert named in refused.value.detail
    assert "Upload a PDF, Word (.docx), Markdown or text file." in refused.value.detail
    assert refused.value.status == 415
