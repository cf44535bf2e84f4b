"""What a note's text comes to as cards."""

import pytest
from flashcard.card_text import fingerprint, ordinals, sides
from flashcard.models import NoteKind
from hypothesis import given
from hypothesis import strategies as st


def test_a_reversed_note_asks_both_ways() -> None:
    assert ordinals(NoteKind.REVERSED, "casa") == (0, 1)
    assert sides(NoteKind.REVERSED, "casa", "house", 0) == ("casa", "house")
    assert sides(NoteKind.REVERSED, "casa", "house", 1) == ("house", "casa")


def test_a_cloze_hides_its_own_number_and_fills_in_the_others() -> None:
    text = "{{c1::Mitosis}} has {{c2::four::how many?}} phases"
    assert ordinals(NoteKind.CLOZE, text) == [0, 1]
    assert sides(NoteKind.CLOZE, text, "", 0) == ("[…] has four phases", "**Mitosis** has four phases")
    assert sides(NoteKind.CLOZE, text, "", 1) == ("Mitosis has [how many?] phases", "Mitosis has **four** phases")


def test_deletions_may_stand_in_each_other() -> None:
    text = "{{c1::the {{c2::cell}} wall}}"
    assert sides(NoteKind.CLOZE, text, "", 0)[0] == "[…]"
    assert sides(NoteKind.CLOZE, text, "", 1)[0] == "the […] wall"


def test_what_is_shown_behind_a_cloze_comes_after_it() -> None:
    assert sides(NoteKind.CLOZE, "{{c1::x}}", "more", 0)[1] == "**x**\n\nmore"


@pytest.mark.parametrize("text", ["no deletion", "{{c0::x}}", "{{c1:x}}"])
def test_a_cloze_without_a_deletion_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="c1::"):
        ordinals(NoteKind.CLOZE, text)


def test_deletions_nested_without_end_are_refused() -> None:
    with pytest.raises(ValueError, match="deep"):
        ordinals(NoteKind.CLOZE, "{{c1::" * 5000 + "x" + "}}" * 5000)


@given(st.text(st.sampled_from(list("{}c12:: ab")), max_size=60))
def test_any_text_can_be_shown(text: str) -> None:
    for ordinal in (0, 1):
        sides(NoteKind.CLOZE, text, "", ordinal)


def test_duplicates_differ_in_case_markup_and_spaces_alone() -> None:
    assert fingerprint("What is a **Cell**?") == fingerprint("<b>what</b>  is a cell?")
    assert fingerprint("What is a cell?") != fingerprint("What is a cell wall?")


@pytest.mark.parametrize("other", ['<img src="b.png">', "<img src='A.png'>", "<audio src=a.mp3>", "", "<i src=x></i>"])
def test_another_picture_asks_something_else(other: str) -> None:
    assert fingerprint('<img src="a.png">') == fingerprint("<div><img class=x src='a.png'></div>")
    assert fingerprint('<img src="a.png">') != fingerprint(other)
