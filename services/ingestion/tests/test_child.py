"""What a child says of a file, here without a child around it."""

from pathlib import Path

import pytest
from ingestion.reading.child import read
from ingestion.reading.frames import Finished, Frame, Opened, Order, Part, Refused, decode
from ingestion.reading.limits import ReadingLimits
from ingestion.reading.pdf import PdfiumPages

from . import hostile_files


def said(path: Path, kind: str, limits: ReadingLimits | None = None, **order: object) -> list[Frame]:
    frames: list[Frame] = []
    wanted = Order(str(path), kind, **order)  # type: ignore[arg-type]  # fields by name
    read(wanted, limits or ReadingLimits(), lambda sent: frames.append(decode(sent[4:])))
    return frames


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize("reader", ["first", "last_resort"])
def test_both_readers_read_pages(file: Path, reader: str) -> None:
    file.write_bytes(hostile_files.pdf("one", "two", "three"))
    frames = said(file, "pdf", first=2, last=3, reader=reader)
    assert frames == [Opened(3, True), Part(2, "two"), Part(3, "three"), Finished()]


@pytest.mark.parametrize("reader", ["first", "last_resort"])
def test_both_readers_know_a_password(file: Path, reader: str) -> None:
    file.write_bytes(hostile_files.pdf("secret", password="open sesame"))
    assert said(file, "pdf", reader=reader) == [Refused("document-encrypted", final=True)]


@pytest.mark.parametrize("reader", ["first", "last_resort"])
def test_both_readers_refuse_too_much(file: Path, reader: str) -> None:
    file.write_bytes(hostile_files.pdf("one", "two", "a page of more text"))
    assert said(file, "pdf", ReadingLimits(pages=2), reader=reader) == [Refused("document-too-many-pages", final=True)]
    refused = said(file, "pdf", ReadingLimits(page_characters=10), reader=reader)[-1]
    assert refused == Refused("document-too-long", final=True)


@pytest.mark.parametrize("reader", ["first", "last_resort"])
def test_damage_may_be_less_to_another_reader(file: Path, reader: str) -> None:
    file.write_bytes(b"%PDF-1.7\nnothing of a PDF follows")
    assert said(file, "pdf", reader=reader) == [Refused("document-damaged", final=False)]


def test_pypdf_reads_a_page_that_pdfium_cannot(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(hostile_files.pdf("one", "two"))

    def broken(self: PdfiumPages, number: int, most: int) -> Part:
        raise RuntimeError("this page")

    monkeypatch.setattr(PdfiumPages, "page", broken)
    assert said(file, "pdf")[1:] == [Part(1, "one"), Part(2, "two"), Finished()]


def test_a_page_that_nobody_can_read_is_passed_over(file: Path) -> None:
    # The second page's tree is its own parent.
    file.write_bytes(
        hostile_files.pdf_objects(
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 2 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 400] /Contents 4 0 R "
            b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
            hostile_files.stream(b"BT /F1 12 Tf 50 50 Td (readable) Tj ET"),
        )
    )
    assert said(file, "pdf") == [Opened(2, True), Part(1, "readable"), Part(2, None), Finished()]


def test_memory_that_runs_out_is_no_damage(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(hostile_files.pdf("one"))

    def greedy(self: PdfiumPages, number: int, most: int) -> Part:
        raise MemoryError

    monkeypatch.setattr(PdfiumPages, "page", greedy)
    assert said(file, "pdf")[-1] == Refused("document-too-complex", final=False)


def test_texts_and_word_documents_come_in_parts(file: Path) -> None:
    file.write_bytes(hostile_files.docx(*("A paragraph of text. " * 50 for _ in range(20))))
    opened, *parts, finished = said(file, "docx")
    assert opened == Opened(len(parts), has_pages=False)
    assert finished == Finished()
    file.write_bytes(b"text")
    assert said(file, "txt") == [Opened(1, False), Part(1, "text"), Finished()]
    assert said(file, "md", first=2) == [Opened(1, False), Finished()]


def test_a_text_without_text_is_empty(file: Path) -> None:
    file.write_bytes(b" \n ")
    assert said(file, "txt") == [Refused("document-empty", final=False)]


def test_too_much_text_is_refused(file: Path) -> None:
    file.write_bytes(b"text " * 100)
    assert said(file, "txt", ReadingLimits(characters=100)) == [Refused("document-too-long", final=True)]
