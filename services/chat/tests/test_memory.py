"""What the tutor remembers, and what a follow-up is searched with."""

import pytest
from chat.memory import Exchange, leans_on_history, remember, search_query, shorten, without_markers
from chat.tokens import EstimatedTokens
from hypothesis import given
from hypothesis import strategies as st

TOKENS = EstimatedTokens()


def exchange(question: str, answer: str = "An answer.", query: str | None = None) -> Exchange:
    return Exchange(question, answer, query or question)


def test_newest_exchanges_are_kept_and_older_ones_are_only_named() -> None:
    history = [exchange(f"What is thing number {n}?", "word " * 50) for n in range(8)]
    memory = remember(history, budget=250, tokens=TOKENS)
    assert [kept.question for kept in memory.exchanges] == [e.question for e in history[-len(memory.exchanges) :]]
    assert 1 < len(memory.exchanges) < 8
    assert memory.reminders[-1] == history[-len(memory.exchanges) - 1].question


def test_exchange_that_is_too_long_alone_is_shortened_in_its_middle() -> None:
    memory = remember([exchange("Why?", "begin " + "word " * 900 + "end")], budget=120, tokens=TOKENS)
    (kept,) = memory.exchanges
    assert kept.answer.startswith("begin")
    assert kept.answer.endswith("end")
    assert "[…]" in kept.answer


def test_markers_of_earlier_answers_are_forgotten() -> None:
    memory = remember([exchange("Q", "It is so [1]. And `a[1]` [2][3].")], budget=100, tokens=TOKENS)
    assert memory.exchanges[0].answer == "It is so. And `a[1]`."
    assert without_markers("Plain.") == "Plain."


EXCHANGES = st.builds(exchange, st.text(min_size=1, max_size=300), st.text(max_size=2000))


@given(st.lists(EXCHANGES, max_size=6), st.integers(0, 800))
def test_memory_keeps_its_budget(history: list[Exchange], budget: int) -> None:
    memory = remember(history, budget=budget, tokens=TOKENS)
    texts = [text for kept in memory.exchanges for text in (kept.question, kept.answer)]
    assert sum(map(TOKENS.count, [*texts, *memory.reminders])) <= budget


@given(st.text(max_size=3000), st.integers(0, 300))
def test_shortened_text_fits(text: str, budget: int) -> None:
    assert TOKENS.count(shorten(text, budget, TOKENS)) <= budget


@pytest.mark.parametrize(
    "question",
    ["and why?", "Why?", "Can you explain that more simply?", "What about oligopolies?", "How does it work?", "Go on", "an example?",
     "I don't get it", "Who discovered them?", "and what about its price?"],
)  # fmt: skip
def test_these_lean_on_what_was_said(question: str) -> None:
    assert leans_on_history(question)


@pytest.mark.parametrize(
    "question",
    ["Why do monopolies charge higher prices?", "Can you explain opportunity cost?", "What is the marginal cost of a good?",
     "inflation", "and the law of supply?", "and the unemployment rate, how is it measured?", "How do these four market structures differ in price, output and profit?"],
)  # fmt: skip
def test_these_stand_on_their_own(question: str) -> None:
    assert not leans_on_history(question)


def test_follow_up_is_searched_with_what_it_leans_on() -> None:
    history = [exchange("What is photosynthesis?"), exchange("and where?", query="What is photosynthesis? and where?")]
    assert search_query("and why?", history) == "What is photosynthesis? and where? and why?"
    assert search_query("What is osmosis?", history) == "What is osmosis?"
    assert search_query("and why?", []) == "and why?"


def test_query_is_bounded() -> None:
    assert len(search_query("why? " * 500, [exchange("long " * 900)])) <= 1000
