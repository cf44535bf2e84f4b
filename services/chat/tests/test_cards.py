"""Cards without a language model: which are made, of what none is made, and which of them are proposed."""

import pytest
from chat.citations import Citation
from chat.flashcards.card import LONGEST_ANSWER, LONGEST_QUESTION, Card, card_of, card_of_answer, key_of
from chat.flashcards.making import cards_of, chosen
from chat.passages import Passage
from chat.recall.drafts import BLANK, Draft, Form
from hypothesis import given
from hypothesis import strategies as st

from .builders import passage

CELLS = """Osmosis is the movement of water through a membrane from a weak to a strong solution. Arteries have thick walls because
they carry blood under high pressure. The powerhouse of the cell is called the mitochondrion. A subsidy is when the government pays a
firm directly for something that it does. The testing effect is the finding that retrieval strengthens a memory more than reading does."""


def made(*texts: str) -> list[Card]:
    return cards_of([passage(text, page=page) for page, text in enumerate(texts, 1)])


@pytest.mark.parametrize(
    ("kind", "question", "answer"),
    [
        ("basic", "What is osmosis?", "The movement of water through a membrane from a weak to a strong solution."),
        ("basic", "Why is it that arteries have thick walls?", "Because they carry blood under high pressure."),
        ("cloze", "The powerhouse of the cell is called the {{c1::mitochondrion}}.", ""),
        (
            "basic",
            "What is meant by a subsidy?",
            "When the government pays a firm directly for something that it does.",
        ),
        (
            "basic",
            "What is the testing effect?",
            "The finding that retrieval strengthens a memory more than reading does.",
        ),
    ],
)
def test_card_reads_alone_on_both_sides(kind: str, question: str, answer: str) -> None:
    assert (kind, question, answer) in [(card.kind, card.question, card.answer) for card in made(CELLS)]


def test_card_quotes_the_sentence_that_answers_it() -> None:
    for card in made(CELLS):
        proposed = card.proposed()
        assert proposed.quote in " ".join(CELLS.split())
        assert (proposed.page, proposed.part, proposed.document_title) == (1, 1, "Biology")


@pytest.mark.parametrize(
    "text",
    [
        "CHAPTER 3 THE CELL 47",
        "Cyclical unemployment is a short-term problem in the economy of a country, caused.",
        "Price supports are measures of a government that prevent these swings of the market.",
        "unemployment rate: (unemployed people) / (total labor force) × 100 per cent",
        "In 1958 the government of the state stopped printing silver certificates for people.",
        "Explain why osmosis is the movement of water through a semipermeable membrane.",
        "Storage is the maintenance of that information over a time that is long.",
    ],
)
def test_fragments_and_what_points_elsewhere_make_no_card(text: str) -> None:
    assert made(text) == []


def test_no_two_cards_ask_for_the_same_and_none_that_is_known() -> None:
    twice = "Osmosis refers to the movement of water through a membrane from a weak to a strong solution."
    cards = chosen(made(CELLS, twice), 30, ())
    assert len([card for card in cards if "smosis" in card.question]) == 1
    rest = chosen(made(CELLS, twice), 30, {key_of("what is OSMOSIS")})
    assert len(rest) == len(cards)  # the other one takes its place
    known = {card.key for card in [*cards, *rest]}
    assert chosen(made(CELLS, twice), 30, known) == []


def test_few_cards_are_spread_over_the_pages() -> None:
    crowded = """Erosion is the process by which wind and water carry soil away. Digestion is the way in which an animal breaks its food
    into small molecules. Corrosion is a slow reaction of a metal with oxygen from the air."""
    fission = "Fission is a reaction in which the nucleus of a heavy atom splits."
    lava = "Lava is the molten rock that a volcano pours out over its slopes."
    cards = chosen(made(crowded, fission, lava), 3, ())
    assert [card.passage.part for card in cards] == [1, 2, 3]


def cited(quote: str) -> Citation:
    found: Passage = passage(quote)
    return Citation(
        marker=1,
        passage_id=found.id,
        document_id=found.document_id,
        document_title="Biology",
        page=7,
        part=7,
        quote=quote,
        start=0,
        end=len(quote),
    )


def test_students_own_question_is_answered_by_what_its_answer_cites() -> None:
    card = card_of_answer("How does water get into a root?", [cited("Roots take up water by osmosis.")])
    assert card is not None
    assert (card.question, card.answer) == ("How does water get into a root?", "Roots take up water by osmosis.")
    assert card.proposed().page == 7


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("And then?", "Roots take up water by osmosis."),
        ("Roots take up water by osmosis, right?", "Roots take up water by osmosis."),
        ("Tell me of roots", "Roots take up water by osmosis."),
        ("How does water get into a root?", "take up water by osmosis through their hairs"),
    ],
)
def test_what_is_no_question_or_no_answer_makes_no_card(question: str, quote: str) -> None:
    assert card_of_answer(question, [cited(quote)]) is None


@given(
    form=st.sampled_from(Form),
    question=st.text(max_size=700) | st.just(f"Fill in the blank: The {BLANK} is what {{{{c1::hides}}}} in it."),
    answer=st.text(max_size=1200),
    concept=st.text(max_size=50),
)
def test_whatever_is_drafted_a_card_is_whole_and_bounded(form: Form, question: str, answer: str, concept: str) -> None:
    text = "Osmosis is a movement of water."
    card = card_of(Draft(form, concept, question, answer, text, passage(text), 0, len(text), 1.0))
    if card is not None:
        assert len(card.question) <= LONGEST_QUESTION + 10
        assert len(card.answer) <= LONGEST_ANSWER
        assert (card.question.count("{{c1::") == 1) if card.kind == "cloze" else card.answer
