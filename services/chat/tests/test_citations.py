"""Whatever a writer claims, each citation that leaves is a retrieved passage with a quote that stands in it."""

import re
from collections.abc import Sequence
from uuid import uuid4

import pytest
from chat.citations import LONGEST_QUOTE, Citation, CitedText, locate, single_spaced
from chat.markers import Marker, MarkerReader
from chat.passages import Passage
from hypothesis import given
from hypothesis import strategies as st

from .builders import passage

CELL = "Mitochondria are the power-\nhouse of the cell. They make ATP.\nPlants also have chloroplasts, which make sugar from light."
TRADE = "A monopoly is a market with one seller. “Barriers to entry” keep others out."
OUTSIDE_CODE = re.compile(r"\[(\d+)\]")


def cite(draft: str, passages: Sequence[Passage], *, pieces: int = 7, question: str = "What do cells do?") -> CitedText:
    """The draft as a model would write it, a few characters at a time; what was sent must be what is kept."""
    text, reader, sent = CitedText(passages, question), MarkerReader(), ""
    read: list[str | Marker] = []
    for start in range(0, len(draft), pieces):
        read += reader.feed(draft[start : start + pieces])
    for piece in [*read, *reader.close()]:
        sent += text.marker(piece) if isinstance(piece, Marker) else text.text(piece)
    assert sent == text.content
    return text


def test_marker_becomes_citation_with_the_sentence_that_supports_the_claim() -> None:
    source = passage(CELL, page=4, start=1000)
    text = cite("Light is turned into sugar by chloroplasts [1].", [source])
    assert text.content == "Light is turned into sugar by chloroplasts [1]."
    (citation,) = text.citations
    assert citation.quote == "Plants also have chloroplasts, which make sugar from light."
    assert citation.page == 4
    assert source.text[citation.start - 1000 : citation.end - 1000] == citation.quote


def test_citation_of_a_text_without_pages_names_the_part_that_opens_it() -> None:
    (citation,) = cite("Sugar comes from light [1].", [passage(CELL, page=None, part=3)]).citations
    assert (citation.page, citation.part) == (None, 3)


def test_markers_leave_in_the_order_of_their_citations() -> None:
    text = cite("One seller [2]. Chloroplasts make sugar [1]. One seller again [2].", [passage(CELL), passage(TRADE)])
    assert text.content == "One seller [1]. Chloroplasts make sugar [2]. One seller again [1]."
    assert [citation.marker for citation in text.citations] == [1, 2]


@pytest.mark.parametrize("pieces", [1, 2, 3, 100])
def test_marker_of_no_passage_is_removed_with_the_space_before_it(pieces: int) -> None:
    text = cite("Cells make ATP [7]. They [0] do [^9] so (passage 12) daily.", [passage(CELL)], pieces=pieces)
    assert text.content == "Cells make ATP. They do so daily."
    assert text.citations == []


def test_quote_that_stands_elsewhere_is_no_citation() -> None:
    draft = 'Sellers [1: "a market with one seller"] compete.'
    assert cite(draft, [passage(CELL), passage(TRADE)]).content == "Sellers compete."
    assert cite(draft, [passage(TRADE), passage(CELL)]).content == "Sellers [1] compete."


def test_claimed_quote_is_replaced_by_what_stands_on_the_page() -> None:
    text = cite('Yes [1: "the POWERHOUSE of the  cell"].', [passage(CELL)])
    assert text.citations[0].quote == "the power- house of the cell"
    text = cite("Keeps out [1: \"'barriers to entry' keep others\"].", [passage(TRADE)])
    assert text.citations[0].quote == "Barriers to entry” keep others"


def test_quote_keeps_the_asterisks_of_what_is_set_in_bold() -> None:
    notes = "- **TCP** delivers *bytes*.\n- It is slow."
    start, end = locate("TCP delivers bytes.", notes) or (0, 0)
    assert notes[start:end] == "**TCP** delivers *bytes*"


def test_quote_of_one_word_becomes_its_sentence() -> None:
    assert cite('Energy [1: "ATP"].', [passage(CELL)]).citations[0].quote == "They make ATP."


def test_code_keeps_its_brackets() -> None:
    draft = "Use `a[1]` or\n```\nb[2] = c[3]\n```\nas it says [1]."
    text = cite(draft, [passage(CELL)])
    assert text.content == draft
    assert len(text.citations) == 1


def test_adjacent_markers_of_one_place_are_one() -> None:
    text = cite("They make ATP [1][1] [1, 1].", [passage(CELL)])
    assert text.content == "They make ATP [1]."


def test_marker_at_the_start_of_a_line_goes_to_what_it_closes() -> None:
    text = cite("They make ATP.\n\n[1]\n\nNext.", [passage(CELL)])
    assert text.content == "They make ATP. [1]\n\nNext."


def test_removed_markers_join_nothing_to_a_marker() -> None:
    text = cite("[[9]1] and [1[9]2] and [(passage 9)1]", [passage(CELL)])
    assert OUTSIDE_CODE.findall(text.content) == []


def test_marker_is_no_link() -> None:
    assert cite("They make ATP [1](https://evil.example/?q=1).", [passage(CELL)]).content == "They make ATP [1]."


def test_long_sentence_is_cut_between_words() -> None:
    long = "Word " * 300 + "end."
    (citation,) = cite("Words [1].", [passage(long)]).citations
    assert len(citation.quote) <= LONGEST_QUOTE
    assert citation.quote.endswith("Word")


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("powerhouse of the cell", "power-\nhouse of the cell"),
        ("make atp … sugar from", "sugar from"),
        ("They make ATP", "They make ATP"),
        ("hey make ATP", None),
        ("...", None),
        ("", None),
    ],
)
def test_locate_reads_past_line_breaks_case_and_punctuation(quote: str, found: str | None) -> None:
    span = locate(quote, CELL)
    assert (CELL[span[0] : span[1]] if span else None) == found


def test_citation_of_another_passage_does_not_stand() -> None:
    source = passage(TRADE)
    citation = cite("One seller [1].", [source]).citations[0]
    assert citation.stands_in(source)
    assert not citation.model_copy(update={"quote": "One buyer."}).stands_in(source)
    assert not citation.model_copy(update={"passage_id": uuid4()}).stands_in(source)
    assert not citation.model_copy(update={"end": citation.end + 500}).stands_in(source)


WORDS = st.sampled_from(
    ["cell", "the", "ATP", "of", "seller", "light.", "market?", "power-\nhouse", "“quoted", "words”", "\ufb01", "a\u00adb", "\n\n", "-",
     "1.", "İ", "ß", "²", "U.S.", "e.g.", "`", "```", "[", "]", "(", ")"]
)  # fmt: skip
TEXTS = st.lists(WORDS, min_size=1, max_size=30).map(" ".join)
SCRAPS = st.one_of(
    TEXTS,
    st.text(max_size=8),
    st.integers(0, 5).map(lambda n: f"[{n}]"),
    st.integers(0, 5).map(lambda n: f" [passage {n}]"),
    st.tuples(st.integers(0, 4), TEXTS).map(lambda claim: f'[{claim[0]}: "{claim[1]}"]'),
    st.sampled_from(
        ["[[1]]", "[1](http://x)", "【2†source】", "[1-3]", "[2, 3]", "(source 1)", "[", "]", "\n", "[1", "[^1]"]
    ),
)


@given(
    texts=st.lists(TEXTS, min_size=1, max_size=4),
    draft=st.lists(SCRAPS, max_size=14).map("".join),
    pieces=st.integers(1, 12),
    start=st.integers(0, 10_000),
)
def test_whatever_is_written_every_citation_stands(texts: list[str], draft: str, pieces: int, start: int) -> None:
    passages = [passage(text, start=start + 7 * place) for place, text in enumerate(texts)]
    text = cite(draft, passages, pieces=pieces)
    by_id = {source.id: source for source in passages}
    for number, citation in enumerate(text.citations, 1):
        source = by_id[citation.passage_id]
        assert citation.marker == number
        assert (citation.document_id, citation.document_title, citation.page) == (
            source.document_id,
            source.document_title,
            source.page,
        )
        page = " " * source.start + source.text
        assert citation.quote
        assert single_spaced(page[citation.start : citation.end]) == citation.quote
    known = {str(citation.marker) for citation in text.citations}
    assert set(OUTSIDE_CODE.findall(without_code(text.content))) <= known


@given(draft=st.lists(SCRAPS, max_size=14).map("".join), pieces=st.integers(1, 12))
def test_pieces_do_not_change_what_is_read(draft: str, pieces: int) -> None:
    passages = [passage(CELL), passage(TRADE)]
    once, in_pieces = cite(draft, passages, pieces=max(1, len(draft))), cite(draft, passages, pieces=pieces)
    assert once.content == in_pieces.content
    assert [c.quote for c in once.citations] == [c.quote for c in in_pieces.citations]


def without_code(text: str) -> str:
    """What a reader of Markdown shows as prose."""
    text = re.sub(r"(?ms)^```.*?(?:^```|\Z)", "", text)
    return re.sub(r"(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)", "", text)


def test_citation_is_frozen() -> None:
    assert Citation.model_config["frozen"]
