"""What a student says in a quiz beside answers: what buttons say, questions back, thanks, and a word on the grade."""

import pytest
from chat.recall.report import NOTHING_GRADED, NOTHING_OPEN

from .quiz import Quiz, begins, lay_out
from .school import School


@pytest.fixture
def material(school: School) -> None:
    lay_out(school)


@pytest.mark.usefixtures("material")
async def test_words_do_what_buttons_do_and_everything_else_is_an_answer(school: School) -> None:
    ada = school.student()
    quiz = Quiz(ada, await ada.starts(mode="active_recall"))
    await quiz.press(content="quiz me")
    assert quiz.recall["question"]["number"] == 1
    assert (await quiz.press(content="A hint, please!"))["recall"]["question"]["hints"] != []
    assert (await quiz.press(content="skip"))["recall"]["graded"]["outcome"] == "skipped"
    assert (await quiz.press(content="start"))["recall"]["graded"]["grade"] == 0
    assert (await quiz.press(content="I'm done"))["recall"]["summary"]["asked"] == 2


@pytest.mark.usefixtures("material")
@pytest.mark.parametrize(
    "said",
    [
        "Is that important for the exam?",
        "is that important?",
        "what do you mean by that",
        "Sorry, could you explain what you want?",
    ],
)
async def test_question_back_is_not_graded_and_the_question_stays_open(school: School, said: str) -> None:
    quiz = await begins(school)
    await quiz.press("hint")
    asked = quiz.recall["question"]
    turn = await quiz.press("answer", said)
    assert turn["recall"]["graded"] is None
    assert turn["recall"]["question"] == asked
    assert turn["content"].endswith(asked["text"])
    await quiz.press("answer", quiz.right)
    assert quiz.recall["graded"]["number"] == 1


@pytest.mark.usefixtures("material")
@pytest.mark.parametrize(("said", "topic"), [("new quiz", None), ("Quiz me on enzymes!", "enzymes")])
async def test_another_quiz_that_is_asked_for_in_words_is_no_answer(
    school: School, said: str, topic: str | None
) -> None:
    quiz = await begins(school)
    turn = (await quiz.press(content=said))["recall"]
    assert (turn["graded"], turn["quiz"], turn["topic"]) == (None, 2, topic)
    assert [kind for kind, _ in await school.events() if kind == "chat.recall.graded.v1"] == []


@pytest.mark.usefixtures("material")
async def test_thanks_begin_no_quiz_and_are_no_answer(school: School) -> None:
    quiz = await begins(school)
    asked = quiz.recall["question"]
    turn = await quiz.press(content="ok, thanks!")
    assert (turn["recall"]["graded"], turn["recall"]["question"]) == (None, asked)
    await quiz.press("finish")
    searched = len(school.neighbours.searches)
    turn = await quiz.press(content="thanks!")
    assert turn["content"] == f"You are welcome. {NOTHING_OPEN}"
    assert (turn["recall"]["question"], turn["recall"]["quiz"]) == (None, 1)
    assert len(school.neighbours.searches) == searched


@pytest.mark.usefixtures("material")
async def test_guess_with_a_question_mark_is_graded(school: School) -> None:
    quiz = await begins(school)
    assert (await quiz.press("answer", "Is it a kind of cheese?"))["recall"]["graded"]["grade"] == 0


@pytest.mark.usefixtures("material")
@pytest.mark.parametrize(("word", "grade"), [("right", 4), ("wrong", 1)])
async def test_students_own_word_counts_instead_of_the_grade(school: School, word: str, grade: int) -> None:
    quiz = await begins(school, questions=3)
    first = quiz.recall["question"]
    said = "It is something quite different." if word == "right" else quiz.right
    graded = (await quiz.press("answer", said))["recall"]["graded"]
    assert (graded["grade"] < 3) is (word == "right")
    assert ("If you had it right" in quiz.last["content"]) is (word == "right")
    open_now = quiz.recall["question"]
    answer = await quiz.press(None, f"But I was {word}!")
    overruled = quiz.recall["graded"]
    assert (overruled["question"], overruled["answer"], overruled["grade"]) == (first["text"], said, grade)
    assert quiz.recall["question"] == open_now
    assert answer["content"].startswith(f"**{grade} of 5.** Counted as {word}, as you say.")
    assert answer["content"].endswith(f"**Question 2 of 3.** {open_now['text']}")
    told = [event for kind, event in await school.events() if kind == "chat.recall.graded.v1"]
    assert [(event["question"], event["grade"]) for event in told] == [
        (first["text"], graded["grade"]),
        (first["text"], grade),
    ]
    assert (told[1]["card"] is None) is (word == "right")
    await quiz.press("skip")
    assert quiz.recall["question"]["number"] == 3
    await quiz.press("skip")
    assert (quiz.recall["summary"]["asked"], quiz.recall["summary"]["average"]) == (3, grade)


@pytest.mark.usefixtures("material")
async def test_own_word_after_the_last_question_makes_the_summary_anew_and_of_nothing_is_told(school: School) -> None:
    quiz = await begins(school, questions=1)
    await quiz.press("wrong")
    assert quiz.last["content"].startswith(NOTHING_GRADED)
    assert quiz.recall["question"]["number"] == 1
    await quiz.press("answer", "It is something quite different.")
    assert quiz.recall["summary"]["weak"]
    await quiz.press("right")
    assert quiz.recall["summary"] | {"concepts": []} == {
        "asked": 1, "answered": 1, "skipped": 0, "average": 4, "concepts": [], "weak": [],
    }  # fmt: skip
    assert "Nothing was missed." in quiz.last["content"]
    await quiz.press("skip")
    assert quiz.last["content"].startswith(NOTHING_OPEN)
