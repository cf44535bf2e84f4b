"""What of a reasoning model's text is its answer."""

import pytest
from chat.thoughts import ThoughtFilter
from hypothesis import given
from hypothesis import strategies as st


def fed(pieces: list[str]) -> str:
    thoughts = ThoughtFilter()
    return "".join([*map(thoughts.feed, pieces), thoughts.close()])


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>They ask.</think>\n\nCells live.", "Cells live."),
        ("\n<thinking>a < b</thinking>Cells live.", "Cells live."),
        ("<think></think>\n", ""),
        ("<think>and never an answer", ""),
        ("Cells <think>are</think> alive.", "Cells <think>are</think> alive."),
        ("<thin", "<thin"),
        ("<b>Cells</b>", "<b>Cells</b>"),
        ("  indented", "  indented"),
    ],
)
def test_thoughts_at_the_beginning_are_left_out_however_the_text_is_cut(text: str, answer: str) -> None:
    for size in range(1, len(text) + 1):
        assert fed([text[at : at + size] for at in range(0, len(text), size)]) == answer


@given(st.lists(st.text(max_size=8), max_size=8))
def test_text_without_thoughts_is_given_back_whole(pieces: list[str]) -> None:
    if not "".join(pieces).lstrip().startswith("<think"):
        assert fed(pieces) == "".join(pieces)
