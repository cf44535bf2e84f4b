"""What a quiz keeps with each of its turns, and what a student is shown of it: never the answer to an open question."""

from enum import StrEnum
from typing import ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, Field

from chat.citations import single_spaced
from chat.passages import Passage
from chat.recall.drafts import Draft, Form
from chat.recall.grading import Task
from chat.sentences import sentences
from chat.studying import Details

_AROUND = 500
MOST_HINTS = 3
# What a grade is at most, by the hints that were given.
_MOST = (5, 4, 3)
_SAID_RIGHT, _SAID_WRONG = 4, 1


class Outcome(StrEnum):
    ANSWERED = "answered"
    SKIPPED = "skipped"


def most(hints: int) -> int:
    """The best grade after so many hints."""
    return _MOST[min(hints, len(_MOST) - 1)]


class Source(BaseModel, frozen=True):
    """Where the answer to a question stands. `text` is what was read there, from the character `start` of the part on."""

    passage_id: UUID
    document_id: UUID
    document_title: str
    page: int | None
    part: int
    text: str
    start: int
    quote_start: int
    quote_end: int

    @classmethod
    def of(cls, passage: Passage, start: int, end: int) -> Self:
        """The characters `start` to `end` of the passage's text, with what is said around them."""
        # Whole sentences: another question may be made of what stands around.
        around = [one for one in sentences(passage.text) if start - _AROUND <= one.start and one.end <= end + _AROUND]
        first = min([start, *(sentence.start for sentence in around)])
        last = max([end, *(sentence.end for sentence in around)])
        return cls(
            passage_id=passage.id,
            document_id=passage.document_id,
            document_title=passage.document_title,
            page=passage.page,
            part=passage.part,
            text=passage.text[first:last],
            start=passage.start + first,
            quote_start=passage.start + start,
            quote_end=passage.start + end,
        )

    @property
    def quote(self) -> str:
        """The words that answer, on one line."""
        return single_spaced(self.text[self.quote_start - self.start : self.quote_end - self.start])

    @property
    def passage(self) -> Passage:
        """The place as a passage, to cite it."""
        end = self.start + len(self.text)
        place = (self.passage_id, self.document_id, self.document_title, self.page, self.part)
        return Passage(*place, self.text, self.start, end, 0.0)


class Question(BaseModel, frozen=True):
    """A question that was asked. `answer` is the part of the `reference` that is asked for."""

    number: int
    form: Form
    concept: str
    text: str
    answer: str
    reference: str
    source: Source
    offline: bool

    @classmethod
    def of(cls, draft: Draft, number: int, *, offline: bool = True) -> Self:
        return cls(
            number=number,
            form=draft.form,
            concept=draft.concept,
            text=draft.question,
            answer=draft.answer,
            reference=draft.reference,
            source=Source.of(draft.passage, draft.start, draft.end),
            offline=offline,
        )

    @property
    def task(self) -> Task:
        """What an answer is graded against."""
        return Task(self.form, self.concept, self.text, self.answer, self.reference, self.source.text)


class Graded(BaseModel, frozen=True):
    """What became of a question. `grade` is SM-2's quality of a response; a question that was skipped counts as not known."""

    outcome: Outcome
    question: Question
    said: str
    grade: int = Field(ge=0, le=5)
    feedback: str
    quote: str | None  # of the source, where something else than the reference shows why
    hints: int
    offline: bool

    def overruled(self, *, right: bool) -> Self:
        """The same by the student's own word, which nobody knows better than who was asked."""
        grade = max(self.grade, min(_SAID_RIGHT, most(self.hints))) if right else min(self.grade, _SAID_WRONG)
        feedback = f"Counted as {'right' if right else 'wrong'}, as you say."
        return self.model_copy(update={"grade": grade, "feedback": feedback, "quote": None, "offline": True})


class ConceptResult(BaseModel, frozen=True):
    """How well a concept is known, by the last answer that was given about it."""

    concept: str
    grade: int
    asked: int
    document_id: UUID
    document_title: str
    page: int | None
    part: int


class Summary(BaseModel, frozen=True):
    """The end of a quiz. `average` is of the answers that were given, null where none was; `weak` are to be read again."""

    asked: int
    answered: int
    skipped: int
    average: float | None
    concepts: list[ConceptResult]
    weak: list[ConceptResult]


class QuizTurn(Details, frozen=True):
    """What is kept with a turn: the question that is open after it, or none; what was graded in it; whether the quiz ended."""

    shown_as: ClassVar[str] = "recall"

    quiz: int
    topic: str | None
    total: int
    question: Question | None = None
    hints: tuple[str, ...] = ()
    graded: Graded | None = None
    summary: Summary | None = None


class OpenQuestion(BaseModel):
    """A question that waits for its answer."""

    number: int
    total: int
    form: Form = Field(description="`blank` and `term` want a word, a name or a number, the others a sentence")
    text: str
    hints: list[str] = Field(description="The hints that were given so far")
    hints_left: int


class ShownSource(BaseModel, frozen=True):
    """Where the answer stands; the answer's citation says the same."""

    document_id: UUID
    document_title: str
    page: int | None
    part: int
    quote: str

    @classmethod
    def of(cls, source: Source) -> Self:
        return cls(
            document_id=source.document_id,
            document_title=source.document_title,
            page=source.page,
            part=source.part,
            quote=source.quote,
        )


class GradedAnswer(BaseModel):
    """What became of a question."""

    number: int
    outcome: Outcome
    concept: str
    question: str
    answer: str
    grade: int = Field(
        ge=0,
        le=5,
        description="SM-2's quality of a response: 5 whole, 4 right but for little, 3 right in the main, 2 some of it, 1 wrong but "
        "about it, 0 nothing. With one hint 4 is the most, with more 3",
    )
    feedback: str
    reference: str = Field(description="The sentence of the material that answers")
    source: ShownSource
    hints: int


class RecallTurn(BaseModel):
    """A turn of a quiz: what was graded in it, and the question that is open after it. With `summary` the quiz is over."""

    quiz: int = Field(description="Which quiz of the session it is, from 1; 0 where none was begun yet")
    topic: str | None
    question: OpenQuestion | None
    graded: GradedAnswer | None
    summary: Summary | None

    @classmethod
    def of(cls, kept: QuizTurn) -> Self:
        return cls(
            quiz=kept.quiz,
            topic=kept.topic,
            question=_open(kept),
            graded=_graded(kept.graded),
            summary=kept.summary,
        )


def _open(kept: QuizTurn) -> OpenQuestion | None:
    if (question := kept.question) is None:
        return None
    return OpenQuestion(
        number=question.number,
        total=kept.total,
        form=question.form,
        text=question.text,
        hints=list(kept.hints),
        hints_left=MOST_HINTS - len(kept.hints),
    )


def _graded(graded: Graded | None) -> GradedAnswer | None:
    if graded is None:
        return None
    question = graded.question
    return GradedAnswer(
        number=question.number,
        outcome=graded.outcome,
        concept=question.concept,
        question=question.text,
        answer=graded.said,
        grade=graded.grade,
        feedback=graded.feedback,
        reference=question.reference,
        source=ShownSource.of(question.source),
        hints=graded.hints,
    )
