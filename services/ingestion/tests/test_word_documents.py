"""What a Word document says, and what of it is not read."""

import io
import zipfile
from pathlib import Path

import docx
import pytest
from ingestion.failures import ReadingFailed
from ingestion.reading.docx import read_docx
from ingestion.reading.limits import ReadingLimits

from . import hostile_files

MATH = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
LIMITS = ReadingLimits()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.docx"


def read(file: Path, content: bytes, limits: ReadingLimits = LIMITS) -> str:
    file.write_bytes(content)
    return read_docx(file, limits)


def refusal(file: Path, content: bytes, limits: ReadingLimits = LIMITS) -> str:
    with pytest.raises(ReadingFailed) as refused:
        read(file, content, limits)
    return refused.value.code


def paragraph(inner: str) -> str:
    return f"<w:p>{inner}</w:p>"


def run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def test_a_document_of_a_word_processor_is_read(file: Path) -> None:
    document = docx.Document()
    document.add_heading("Supply", level=1)
    document.add_paragraph("Supply is what producers offer.")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("Price", "Quantity", "1.20", "700"), strict=True):
        cell.text = text
    document.add_paragraph("After the table.")
    made = io.BytesIO()
    document.save(made)
    assert read(file, made.getvalue()) == (
        "Supply\n\nSupply is what producers offer.\n\nPrice | Quantity\n1.20 | 700\n\nAfter the table."
    )


def test_runs_tabs_and_breaks_make_one_paragraph(file: Path) -> None:
    body = paragraph(run("de") + run("mand") + "<w:r><w:tab/><w:t>is</w:t><w:br/><w:t>high</w:t></w:r>")
    assert read(file, hostile_files.docx(body=body)) == "demand\tis\nhigh"


def test_items_of_lists_are_marked_and_numbered_headings_are_not(file: Path) -> None:
    document = docx.Document()
    document.add_paragraph("There are two stages:")
    document.add_paragraph("Water is split.", style="List Bullet")
    document.add_paragraph("Sugar is built.", style="List Number")
    document.add_paragraph("That is all.")
    made = io.BytesIO()
    document.save(made)
    assert (
        read(file, made.getvalue()) == "There are two stages:\n\n- Water is split.\n\n- Sugar is built.\n\nThat is all."
    )

    def listed(style: str, number: int) -> str:
        numbered = f'<w:numPr><w:numId w:val="{number}"/></w:numPr>'
        return paragraph(f'<w:pPr><w:pStyle w:val="{style}"/>{numbered}</w:pPr>{run("text")}')

    body = listed("ListParagraph", 2) + listed("ListParagraph", 0) + listed("Heading1", 2) + paragraph(run("text"))
    assert read(file, hostile_files.docx(body=body)) == "- text\n\ntext\n\ntext\n\ntext"


def test_deleted_text_field_codes_and_fallbacks_are_not_read(file: Path) -> None:
    body = paragraph(
        run("kept")
        + "<w:del><w:r><w:delText>gone</w:delText><w:t>gone</w:t></w:r></w:del>"
        + "<w:r><w:instrText>PAGE</w:instrText></w:r>"
        + '<mc:AlternateContent xmlns:mc="urn:mc"><mc:Choice>'
        + run(" once")
        + "</mc:Choice><mc:Fallback>"
        + run(" twice")
        + "</mc:Fallback></mc:AlternateContent>"
    )
    assert read(file, hostile_files.docx(body=body)) == "kept once"


def test_formulas_are_read_in_one_line(file: Path) -> None:
    fraction = (
        f"<m:oMath {MATH}><m:r><m:t>sin θ=</m:t></m:r><m:f><m:num><m:r><m:t>mλ</m:t></m:r></m:num><m:den><m:r><m:t>a</m:t></m:r>"
        "</m:den></m:f><m:sSup><m:e><m:r><m:t>+x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>"
    )
    assert (
        read(file, hostile_files.docx(body=paragraph(run("The angle: ") + fraction)))
        == "The angle: sin θ=(mλ)/(a)+x^(2)"
    )


def test_a_table_in_a_table_stays_in_its_cell(file: Path) -> None:
    def table(*cells: str) -> str:
        return "<w:tbl><w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in cells) + "</w:tr></w:tbl>"

    body = table(paragraph(run("a")) + table(paragraph(run("x")), paragraph(run("y"))), paragraph(run("b")))
    assert read(file, hostile_files.docx(body=body)) == "a x | y | b"


def test_footnotes_follow_the_text(file: Path) -> None:
    notes = f'<w:footnotes {hostile_files._WORD}><w:footnote w:id="2">{paragraph(run("See chapter 3."))}</w:footnote></w:footnotes>'
    assert read(file, hostile_files.docx("Text.", footnotes=notes)) == "Text.\n\nSee chapter 3."


def test_a_document_in_strict_form_is_read(file: Path) -> None:
    strict = hostile_files.docx("Strict text.").replace(b"", b"")
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(strict)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            xml = old.read(name).replace(
                b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
                b"http://purl.oclc.org/ooxml/wordprocessingml/main",
            )
            new.writestr(name, xml)
    assert read(file, made.getvalue()) == "Strict text."


def test_a_document_that_inflates_is_refused_by_its_sizes(file: Path) -> None:
    assert refusal(file, hostile_files.inflating_docx(300 * 1024 * 1024)) == "document-inflates"


def test_more_text_than_is_read_is_refused_while_it_is_read(file: Path) -> None:
    content = hostile_files.docx("x" * 600, "y" * 600)
    assert refusal(file, content, ReadingLimits(characters=1000)) == "document-too-long"


def test_entities_are_refused(file: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
        archive.writestr("word/document.xml", f'<!DOCTYPE d [<!ENTITY l0 "lol">{bomb}]><d>&l9;</d>')
    assert refusal(file, made.getvalue()) == "document-damaged"


def test_a_cut_document_is_damaged(file: Path) -> None:
    content = hostile_files.docx("Some text.")
    assert refusal(file, content[: len(content) * 6 // 10]) == "document-damaged"


def test_members_whose_bytes_were_changed_are_damage(file: Path) -> None:
    content = bytearray(hostile_files.docx("Some text that is long enough to be packed. " * 50))
    place = content.index(b"word/document.xml") + 40
    content[place : place + 20] = b"\xff" * 20
    assert refusal(file, bytes(content)) == "document-damaged"


def test_broken_xml_is_damage(file: Path) -> None:
    assert refusal(file, hostile_files.docx(body="<w:p><w:r>")) == "document-damaged"


def test_another_kind_of_archive_is_not_supported(file: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("ppt/presentation.xml", "<p/>")
    assert refusal(file, made.getvalue()) == "document-unsupported"


def test_an_encrypted_member_is_named(file: Path) -> None:
    content = bytearray(hostile_files.docx("Secret."))
    # The flag stands in the local header and in the directory; zipfile reads the latter.
    place = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    content[place + 8] |= 1
    assert refusal(file, bytes(content)) == "document-encrypted"
