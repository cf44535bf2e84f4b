"""Passages point into their page, and leave nothing of it out."""

import re

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from ingestion.passages import Cutter
from ingestion.reading.parts import PART_CHARACTERS, parts

from .hostile_files import prose

_cutter: list[Cutter] = []


def cutter() -> Cutter:
    if not _cutter:
        _cutter.append(Cutter(tokens=200))
    return _cutter[0]


def words(text: str) -> list[str]:
    return re.findall(r"\S+", text)


PAGE = "\n\n".join(prose(number, lines=12) for number in range(6))


def test_offsets_point_into_the_page() -> None:
    pieces = cutter().cut(PAGE)
    assert len(pieces) > 3
    assert all(PAGE[piece.start : piece.end] == piece.text for piece in pieces)


def test_nothing_but_white_space_is_left_out() -> None:
    assert [word for piece in cutter().cut(PAGE) for word in words(piece.text)] == words(PAGE)


def test_a_passage_has_at_most_500_tokens() -> None:
    # Without network there is no tokenizer to count with; a token of English has four characters on average.
    assert all(len(piece.text) / 4 <= 500 for piece in cutter().cut(PAGE))
    assert tiktoken is not None


def test_a_body_inside_the_page_keeps_the_pages_offsets() -> None:
    page = f"RUNNING HEAD\n{PAGE}\n17"
    pieces = cutter().cut(page, 13, len(page) - 3)
    assert pieces[0].start == 13
    assert pieces[-1].end == len(page) - 3
    assert all(page[piece.start : piece.end] == piece.text for piece in pieces)


def test_a_lone_heading_goes_with_what_follows() -> None:
    page = "Supply\n\n" + prose(1, lines=40)
    assert cutter().cut(page)[0].text.startswith("Supply\n\nOn page 1")


def test_markdown_is_cut_at_its_headings() -> None:
    sections = [f"## Section {number}\n\n{prose(number, lines=8)}" for number in range(1, 5)]
    starts = [piece.text.splitlines()[0] for piece in cutter().cut("\n\n".join(sections), markdown=True)]
    assert starts == ["## Section 1", "## Section 2", "## Section 3", "## Section 4"]


def test_an_empty_page_has_no_passages() -> None:
    assert cutter().cut("") == []
    assert cutter().cut(" \n ") == []


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=3000), st.booleans())
def test_any_text_is_cut_without_loss(page: str, markdown: bool) -> None:
    pieces = cutter().cut(page, markdown=markdown)
    assert all(page[piece.start : piece.end] == piece.text for piece in pieces)
    covered = "".join(piece.text for piece in pieces)
    assert [c for c in covered if c.isalnum()] == [c for c in page if c.isalnum()]


def test_a_long_text_becomes_parts_that_end_between_paragraphs() -> None:
    paragraphs = [prose(number, lines=10) for number in range(100)]
    text = "\n\n".join(paragraphs)
    cut = list(parts(text))
    assert all(len(part) <= PART_CHARACTERS for part in cut)
    assert all(part.endswith(".") and part.startswith("On page") for part in cut)
    assert words(" ".join(cut)) == words(text)


def test_a_part_begins_at_a_heading_where_there_is_one() -> None:
    text = "\n\n".join(f"# Chapter {number}\n\n{prose(number, lines=70)}" for number in range(1, 4))
    assert [part.splitlines()[0] for part in parts(text)] == ["# Chapter 1", "# Chapter 2", "# Chapter 3"]


@pytest.mark.parametrize("text", ["x" * 30_000, "x " * 15_000, "\n" * 30_000, ""])
def test_a_text_without_places_to_cut_is_cut_all_the_same(text: str) -> None:
    cut = list(parts(text))
    assert all(len(part) <= PART_CHARACTERS for part in cut)
    assert "".join(cut).replace(" ", "") == text.replace(" ", "").replace("\n", "")


def test_line_that_is_broken_in_a_sentence_is_no_place_to_cut() -> None:
    sentence = "A price ceiling keeps a price from rising above a certain level (the\n“ceiling”), while a floor keeps it\nfrom falling. "
    page = sentence * 40
    pieces = Cutter(100).cut(page)
    assert len(pieces) > 5
    assert all(piece.text == page[piece.start : piece.end] for piece in pieces)
    assert {piece.text[:15] for piece in pieces} == {"A price ceiling"}
