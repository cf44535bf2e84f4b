"""Where a sentence ends: well enough for a vector each, and in any language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingestion.sentences import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "A market clears at one price. The other price\nis too high.",
            ["A market clears at one price.", "The other price is too high."],
        ),
        (
            "He said: “We divide all cells.” Then he left the room.",
            ["He said: “We divide all cells.”", "Then he left the room."],
        ),
        ("Costs, e.g. wages and rents, are paid in a year.", ["Costs, e.g. wages and rents, are paid in a year."]),
        ("Dr. Who is a person of whom much is said.", ["Dr. Who is a person of whom much is said."]),
        ("The value is 3.14 and no other value of it.", ["The value is 3.14 and no other value of it."]),
        (
            "北京是中华人民共和国的首都，也是直辖市。上海是中国人口最多的城市之一，也是港口。",
            ["北京是中华人民共和国的首都，也是直辖市。", "上海是中国人口最多的城市之一，也是港口。"],
        ),
        (
            "Was ist ein Haushalt in der Theorie? Eine Gruppe von Menschen.",
            ["Was ist ein Haushalt in der Theorie?", "Eine Gruppe von Menschen."],
        ),
        (
            "- the first kind of market\n- the second kind of market",
            ["- the first kind of market", "- the second kind of market"],
        ),
        (
            "A heading of some length\n\nand what stands under it",
            ["A heading of some length", "and what stands under it"],
        ),
        ("It ends with a long sentence of words. Yes.", ["It ends with a long sentence of words. Yes."]),
        ("", [""]),
        (" \n ", [""]),
    ],
)
def test_sentences_end_where_a_reader_sees_it(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet="ab .!?\n。-’)A1\t", max_size=400))
def test_nothing_is_left_out(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_a_text_of_marks_alone_is_cut_in_good_time() -> None:
    assert len(sentences("." * 50_000 + " \n" * 50_000 + "?!" * 50_000)) < 10
