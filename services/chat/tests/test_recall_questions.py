"""Questions from sentences: which are made, of what none is made, and which is asked next."""

from collections.abc import Sequence
from random import Random
from uuid import UUID

import pytest
from chat.definitions import definition_form
from chat.offline import PLAIN_DEFINITION
from chat.passages import Passage
from chat.recall.choosing import choose
from chat.recall.drafts import BLANK, SHORT, Draft, Form
from chat.recall.grading import grade
from chat.recall.hints import hint
from chat.recall.making import drafts
from chat.recall.quiz import Quiz, summarise
from chat.recall.turns import Graded, Outcome, Question, QuizTurn
from chat.terms import words

from .builders import passage

TEXT = """Osmosis is the movement of water through a membrane from a weak to a strong solution. Arteries have thick walls because they
carry blood under high pressure. The powerhouse of the cell is called the mitochondrion. Deforestation leads to a loss of soil on steep
slopes. Stereotypes are oversimplified ideas about groups of people. The treaty that ended the war was signed in 1919 by the delegates of
Germany."""


def made(text: str, form: Form | None = None) -> list[Draft]:
    return [draft for draft in drafts([passage(text)]) if form is None or draft.form is form]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is osmosis?", "the movement of water through a membrane from a weak to a strong solution"),
        ("What are stereotypes?", "oversimplified ideas about groups of people"),
        ("Why is it that arteries have thick walls?", "they carry blood under high pressure"),
        ("What does deforestation lead to?", "a loss of soil on steep slopes"),
        ("Which term means: “oversimplified ideas about groups of people”?", "stereotypes"),
        (f"Fill in the blank: The powerhouse of the cell is called the {BLANK}.", "mitochondrion"),
        (
            f"Fill in the blank (a year): The treaty that ended the war was signed in {BLANK} by the delegates of Germany.",
            "1919",
        ),
    ],
)
def test_question_asks_for_what_its_sentence_says(question: str, answer: str) -> None:
    assert (question, answer) in [(draft.question, draft.answer) for draft in made(TEXT)]


HISTORY = """Louis XVI summoned the estates in May 1789. The monarchy was abolished on 21 September 1792. Robespierre led the Committee of
Public Safety during the Terror. He died in July 1794. The sociologist William Sumner developed the idea of the out-group. South Africa abolished
slavery in 1834. On 14 July 1790 the deputies swore an oath on the Field of Mars. The king raised taxes in order to pay for the war with Spain.
The treaty was not signed in 1795. It was founded in 1901. The town, which had been a port, was sold in 1803. Susan earned a degree. She was proud."""


def test_who_when_and_what_happened_are_asked_in_the_words_of_the_sentence() -> None:
    asked = {draft.question: draft.answer for draft in made(HISTORY) if BLANK not in draft.question}
    assert asked == {
        "Who summoned the estates in May 1789?": "Louis XVI",
        "When was the monarchy abolished?": "21 September 1792",
        "Who led the Committee of Public Safety during the Terror?": "Robespierre",
        "Who developed the idea of the out-group?": "William Sumner",
        "What happened on 14 July 1790?": "the deputies swore an oath on the Field of Mars",
        "Why is it that the king raised taxes?": "to pay for the war with Spain",
    }


ONCE = """The gabelle was a direct tax on salt from which nobles were exempt. The Jacobins were a political club that wanted a republic; they met
in Paris. A dictator was a magistrate who was given full power for six months. Serfs were peasants who were bound to the land. James Watt was an
engineer from Scotland who improved the steam engine. The war was a disaster for the whole city. The battle was a turning point in the long war.
The schools were located far away to ensure that children forgot. Women were citizens who could not vote at all. The reform was a failure that
nobody had wanted."""


def test_what_something_was_is_asked_where_its_kind_is_said() -> None:
    assert {draft.question: draft.answer for draft in made(ONCE, Form.DEFINITION)} == {
        "What was the gabelle?": "a direct tax on salt from which nobles were exempt",
        "What were the Jacobins?": "a political club that wanted a republic",
        "What was a dictator?": "a magistrate who was given full power for six months",
        "What were serfs?": "peasants who were bound to the land",
        "Who was James Watt?": "an engineer from Scotland who improved the steam engine",
    }
    assert "Who or what was “a direct tax on salt from which nobles were exempt”?" in {
        draft.question for draft in made(ONCE, Form.TERM)
    }


@pytest.mark.parametrize(
    ("sentence", "concept"),
    [
        ("The levée of August 1793 was a call to arms that all young men had to follow.", "levée"),
        ("Robespierre himself was arrested on a hot night of 1794 and executed on the next day.", "Robespierre"),
        ("CUBIC, the default in Linux since 2006, grows its window as a function of time.", "CUBIC"),
        ("In June 1791 the king tried to flee with his family but was stopped at Varennes.", "Varennes"),
    ],
)
def test_year_is_asked_about_what_the_sentence_speaks_of(sentence: str, concept: str) -> None:
    assert concept in {draft.concept for draft in made(sentence, Form.BLANK) if "(a year)" in draft.question}


def test_concepts_read_as_the_text_has_them() -> None:
    (reason,) = made(
        "The side that closes first has to wait for a minute, because its last word may get lost.", Form.REASON
    )
    assert reason.concept == "side that closes first"
    notes = "- Karn's algorithm: times of what was sent again are not measured\n"
    assert {draft.concept for draft in made(notes, Form.DEFINITION)} == {"Karn's algorithm"}
    assert (
        made("The lost packet holds up all of the others, even if they belong to another HTTP/2 stream.", Form.BLANK)
        == []
    )


def test_titles_and_formulas_are_no_entries() -> None:
    text = "Measuring Money: Currency, M1, and M2\n\nProfit: revenue = price times quantity\n"
    assert made(text, Form.DEFINITION) == []


def test_entries_of_a_glossary_and_of_notes_are_asked_about() -> None:
    notes = "Glossary\n\nelasticity: how strongly demand answers to a change of price\n\n- **ATP** - the energy currency of every cell\n"
    asked = {draft.question for draft in made(notes, Form.DEFINITION)}
    assert asked == {"What is meant by elasticity?", "What is meant by ATP?"}


def test_answer_ends_where_the_definition_does() -> None:
    text = "Mortar is a paste of lime and sand that binds bricks and is often grey.\n\n- windbreak = a row of trees that slows the wind down over the fields; best planted in autumn\n"
    answers = {draft.answer for draft in made(text, Form.DEFINITION)}
    assert answers == {
        "a paste of lime and sand that binds bricks",
        "a row of trees that slows the wind down over the fields",
    }


def test_what_is_kept_around_an_answer_are_whole_sentences() -> None:
    text = (
        "The league of the northern towns was led by Lübeck for a long time. " * 12
        + TEXT
        + " The tides are caused by the moon." * 20
    )
    draft = next(draft for draft in drafts([passage(text)]) if draft.concept == "osmosis")
    kept = Question.of(draft, 1).source
    assert kept.text.startswith("The league of the northern towns")
    assert kept.text.endswith("moon.")
    assert len(kept.text) < len(text)


def test_place_in_a_row_defines_nothing() -> None:
    assert made("Nitrogen is the final product of the reaction and is blown out.", Form.DEFINITION) == []


@pytest.mark.parametrize(
    "text",
    [
        "CHAPTER 3 THE CELL 47",
        "Figure 3.2 The cell is the smallest unit that is alive and divides.",
        "This is the movement of water through a membrane that lets some things pass.",
        "It is a process by which one nucleus divides into two identical nuclei.",
        "What is the movement of water through a semipermeable membrane called?",
        "Explain why osmosis is the movement of water through a semipermeable membrane.",
        "The result is a shift of the curve to the right in the short run.",
        "As shown in Figure 4, demand is the amount that buyers want at each price.",
        "You are a person who wants to learn about the law of supply and demand.",
        "One reason is the cost of the raw material that the firm has to buy.",
        "Table 2 Country Population 1 China 1,400 2 India 1,300 3 United States 330.",
        "A monopoly is a monopoly.",
    ],
)
def test_heads_captions_exercises_and_what_leans_on_its_place_are_not_asked_about(text: str) -> None:
    assert made(text) == []


def test_no_question_gives_its_answer_away_and_its_own_sentence_is_a_right_answer() -> None:
    for draft in made(TEXT):
        if draft.form in SHORT:
            assert not set(words(draft.answer)) & set(words(draft.question))
        task = Question.of(draft, 1).task
        assert grade(task, draft.reference, 0.9).grade >= 4, draft
        assert grade(task, draft.answer, 1.0).grade == 5, draft
        assert draft.passage.text[draft.start : draft.end].split() == draft.reference.split()


def test_hints_grow_and_never_say_all() -> None:
    for draft in made(TEXT):
        question = Question.of(draft, 1)
        where, begun, more = (hint(question, given) for given in range(3))
        assert "page 1" in where
        assert draft.answer not in begun + more
        assert len(set(words(draft.answer)) & set(words(more))) >= len(set(words(draft.answer)) & set(words(begun)))


def pages(count: int, documents: int = 1) -> list[Passage]:
    names = [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "kappa",
        "lambda",
        "omega",
        "sigma",
        "theta",
        "omicron",
    ]
    return [
        passage(
            f"{names[n].title()} particles are tiny things that carry the force number {names[-n - 1]} between bodies.",
            page=n + 1,
            document=UUID(int=n % documents),
        )
        for n in range(count)
    ]


def asked(made: Sequence[Draft], results: Sequence[int | None]) -> tuple[Quiz, list[Graded]]:
    """A quiz in which so many questions were asked, with these grades; None is a skip."""
    turns: list[QuizTurn] = []
    graded: list[Graded] = []
    for number, result in enumerate(results, 1):
        quiz = Quiz(turns)
        draft = choose(made, quiz, graded, Random(number))
        assert draft is not None
        question = Question.of(draft, number)
        turns.append(QuizTurn(quiz=1, topic=None, total=10, question=question, graded=graded[-1] if graded else None))
        outcome = Outcome.SKIPPED if result is None else Outcome.ANSWERED
        graded.append(
            Graded(
                outcome=outcome,
                question=question,
                said="x",
                grade=result or 0,
                feedback="",
                quote=None,
                hints=0,
                offline=True,
            )
        )
    return Quiz(turns), graded


def test_questions_are_spread_over_documents_and_pages_and_none_is_asked_twice() -> None:
    quiz, _ = asked(drafts(pages(8, documents=2)), [5] * 8)
    concepts = [question.concept for question in quiz.asked]
    assert len(set(concepts)) == 8
    assert len({question.source.page for question in quiz.asked}) == 8
    documents = [question.source.document_id for question in quiz.asked]
    assert documents[0] != documents[1]


def test_missed_concept_returns_in_another_form_once_others_came_between_and_not_after_it_was_known() -> None:
    made = drafts(pages(8))
    quiz, graded = asked(made, [1, 5, 5, 5, 5])
    assert quiz.asked[4].concept == quiz.asked[0].concept
    assert quiz.asked[4].form is not quiz.asked[0].form
    assert quiz.due_again(graded) == []
    assert choose(made, quiz, graded, Random(1)) is not None


def test_concept_that_is_missed_twice_waits_longer() -> None:
    quiz, _ = asked(drafts(pages(9)), [0, 5, 5, 5, 0, 5, 5, 5, 5])
    assert [question.concept for question in quiz.asked].count(quiz.asked[0].concept) == 2


def test_who_misses_everything_is_asked_what_is_new_turn_about_and_never_the_same_question() -> None:
    quiz, _ = asked(drafts(pages(8)), [0] * 9)
    concepts = [question.concept for question in quiz.asked]
    assert len({question.text for question in quiz.asked}) == 9
    assert len(set(concepts)) >= 6


def test_summary_counts_the_last_answer_about_a_concept_and_names_the_weak() -> None:
    quiz, graded = asked(drafts(pages(8)), [1, 5, None, 5, 4])
    summary = summarise(graded)
    assert (summary.asked, summary.answered, summary.skipped) == (5, 4, 1)
    assert summary.average == pytest.approx(3.75)
    assert [result.concept for result in summary.weak] == [quiz.asked[2].concept]
    assert summary.concepts[0].asked == 2
    assert summary.concepts[0].grade == 4


def test_nothing_left_to_ask_is_none() -> None:
    made = drafts(pages(2))
    quiz, graded = asked(made, [5, 5])
    assert choose(made, quiz, graded, Random(1)) is None


@pytest.mark.parametrize(
    "text",
    [
        "Economists use the term demand to refer to the amount of a good that consumers will buy at each price.",
        "By the term demand, people mean the amount of a good that consumers will buy at each price.",
        "By demand we mean the amount of a good that consumers will buy at each price.",
        "The term demand refers to the amount of a good that consumers will buy at each price.",
    ],
)
def test_term_that_is_introduced_is_asked_about(text: str) -> None:
    asked = [(draft.question, draft.answer) for draft in made(text, Form.DEFINITION)]
    assert asked == [("What is meant by demand?", "the amount of a good that consumers will buy at each price")]
    assert definition_form("demand", text) >= PLAIN_DEFINITION
