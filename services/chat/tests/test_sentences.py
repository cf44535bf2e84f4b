"""Where sentences end in lines of print, and which words meet."""

from itertools import pairwise

import pytest
from chat.sentences import sentences
from chat.terms import coverage, mend, question_terms, stem, terms, weights
from hypothesis import given
from hypothesis import strategies as st


def read(text: str) -> list[str]:
    return [sentence.text for sentence in sentences(text)]


def test_abbreviations_initials_and_captions_end_nothing() -> None:
    assert read("Dr. C. Wright Mills (e.g. in 1956) met the U.S. Department. The end.") == [
        "Dr. C. Wright Mills (e.g. in 1956) met the U.S. Department.",
        "The end.",
    ]
    assert read("Figure 3.1. A cell. It was drawn in the U.S. The scale is 1:100.") == [
        "Figure 3.1. A cell.",
        "It was drawn in the U.S.",
        "The scale is 1:100.",
    ]


def test_lines_of_a_paragraph_are_joined_and_headings_stand_alone() -> None:
    text = (
        "The Cell\nThe cell is the smallest unit that is alive, and every living being that we know of\n"
        "is made of cells. Some have only one.\n\nTASKS\n=====\n- grow\n- divide\n"
    )
    assert read(text) == [
        "The Cell",
        "The cell is the smallest unit that is alive, and every living being that we know of is made of cells.",
        "Some have only one.",
        "TASKS",
        "grow",
        "divide",
    ]


def test_number_of_an_item_is_no_sentence_and_a_fence_no_word() -> None:
    text = "Three steps:\n\n1. The client asks. It waits.\n2. The server answers.\n\n```\nRTO = SRTT\n```\n"
    assert [sentence.raw for sentence in sentences(text)] == [
        "Three steps:",
        "1. The client asks.",
        "It waits.",
        "2. The server answers.",
        "RTO = SRTT",
    ]


def test_words_that_a_line_cut_in_two_are_made_whole() -> None:
    assert mend("a vi\u2010\nolate and anti-\ntax  line") == "a violate and anti-tax line"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_sentences_stand_where_they_say_in_their_order(text: str) -> None:
    found = sentences(text)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(sentence.raw == sentence.raw.strip() != "" for sentence in found)
    assert "".join("".join(s.raw for s in found).split()) in "".join(text.split()) or len(found) > 1


@pytest.mark.parametrize(
    "forms",
    [
        ("monopoly", "monopolies"), ("stratify", "stratified"), ("group", "groups", "grouping", "grouped"), ("define", "defines", "defined"),
        ("illness", "illnesses"), ("organize", "organization", "organized"), ("plan", "planned", "planning"), ("class", "classes"),
    ],
)  # fmt: skip
def test_forms_of_a_word_meet(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


def test_words_of_asking_count_only_where_nothing_else_is_left() -> None:
    assert question_terms("What does the term “money” mean?") == ["money"]
    assert question_terms("What is a definition?") == ["definition"]
    assert terms("The dog's bones aren't his") == ["dog", "bon", "aren't"] or "dog" in terms("The dog's bones")


def test_rare_terms_weigh_more() -> None:
    weighed = weights(["cell", "golgi"], [["cell"], ["cell"], ["cell", "golgi"]])
    assert weighed["golgi"] > weighed["cell"] > 0
    assert coverage(weighed, ["golgi"]) > 0.5
    assert coverage({}, ["golgi"]) == 0
