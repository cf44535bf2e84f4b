"""What is done to extracted text before it is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingestion.reading.cleaning import clean
from ingestion.reading.hyphens import Hyphens


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("e\u0301tude", "étude"),
        ("\ufb01nance and e\ufb03ciency", "finance and efficiency"),
        ("nul\x00 and bell\x07", "nul and bell"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("a\u00a0b", "a b"),
        ("soft\u00adhyphen", "softhyphen"),
        ("trailing   \nspaces\t\n", "trailing\nspaces"),
        ("far\n\n\n\n\napart", "far\n\napart"),
        ("\ufeffmarked", "marked"),
        ("x² stays x²", "x² stays x²"),
    ],
)
def test_text_is_stored_clean(said: str, stored: str) -> None:
    assert clean(said) == stored


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("the infor-\nmation age", "the information\nage"),
        ("the infor\x02mation age", "the information\nage"),
        ("the infor\ufffe\nmation age", "the information\nage"),
        ("die Wirt\u2010\nschaft.", "die Wirtschaft."),
        ("self-\nemployed people", "self-employed\npeople"),
        ("North-\nSouth divide", "North-South\ndivide"),
        ("pages 3-\n4 and on", "pages 3-\n4 and on"),
        ("a dash -\nthen text", "a dash -\nthen text"),
    ],
)
def test_cut_words_are_made_whole(said: str, stored: str) -> None:
    assert clean(said, Hyphens()) == stored


def test_the_documents_own_words_decide_about_a_hyphen() -> None:
    hyphens = Hyphens()
    clean("A city-state is a state. Cooperation pays.", hyphens)
    assert clean("each city\x02state had co\x02operation", hyphens) == "each city-state\nhad cooperation"


def test_a_chain_of_words_keeps_its_hyphens() -> None:
    hyphens = Hyphens()
    clean("The kidney releases renin, then angiotensin follows.", hyphens)
    assert clean("the renin-\nangiotensin-aldosterone system", hyphens) == "the renin-angiotensin-aldosterone\nsystem"
    assert clean("talks face-\nto-face", hyphens) == "talks face-to-face"
    assert clean("an infor-\nmation-based view", hyphens) == "an information-based\nview"


def test_a_subscript_does_not_break_its_sentence() -> None:
    text = "shown as D0\r\n. At point Q the curve D1\r\n also shows it\r\n• a point"
    assert clean(text, Hyphens()) == "shown as D0. At point Q the curve D1 also shows it\n• a point"


def test_indentation_of_a_text_file_stays() -> None:
    assert clean("poem:\n  first\n  second") == "poem:\n  first\n  second"


@given(st.text())
def test_cleaning_twice_changes_nothing_more(said: str) -> None:
    once = clean(said)
    assert clean(once) == once


@given(st.text(alphabet=st.sampled_from("ab-\u2010\x02\ufffe\n .é")))
def test_joining_words_loses_no_letter(said: str) -> None:
    letters = [character for character in said if character.isalpha()]
    assert [character for character in clean(said, Hyphens()) if character.isalpha()] == letters
