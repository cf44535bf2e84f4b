"""What a student who wants to practise asks for, and the questions that come of it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import BaseModel, Field

from chat.recall.drafts import Form
from chat.recall.turns import Question, ShownSource
from chat.studying import Details

MOST_QUESTIONS = 20


class Difficulty(StrEnum):
    """`easy` asks for terms, `medium` for what things are, `hard` for reasons and relations, as far as the material has them."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class Wanted(BaseModel, frozen=True):
    """How many questions, and how hard they are."""

    difficulty: Difficulty = Field(
        Difficulty.MEDIUM,
        description="`easy` asks for terms, `medium` for what things are, `hard` for reasons and relations; others fill up what "
        "the material does not give",
    )
    count: int = Field(
        5, ge=1, le=MOST_QUESTIONS, description="How many questions at most; fewer where the material gives no more"
    )


class Exercise(BaseModel, frozen=True):
    """A question with its answer. Its number is its citation's marker, too."""

    number: int
    form: Form = Field(description="`blank` and `term` want a word, a name or a number, the others a sentence")
    question: str
    answer: str
    reference: str = Field(description="The sentence of the material that answers")
    source: ShownSource

    @classmethod
    def of(cls, question: Question) -> Self:
        return cls(
            number=question.number,
            form=question.form,
            question=question.text,
            answer=question.answer,
            reference=question.reference,
            source=ShownSource.of(question.source),
        )


class PracticeSet(Details, frozen=True):
    """Practice questions; none where the material does not speak of the topic."""

    shown_as: ClassVar[str] = "practice"

    topic: str
    difficulty: Difficulty
    questions: Sequence[Exercise]
