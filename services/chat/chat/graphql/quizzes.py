"""A turn of a quiz over GraphQL: the same as over REST, in camelCase."""

from typing import Any, Self
from uuid import UUID

import strawberry
from pydantic import BaseModel

from chat.recall import turns
from chat.recall.drafts import Form

strawberry.enum(Form, description="What a question asks for", name="QuestionForm")
strawberry.enum(turns.Outcome, description="What became of a question", name="QuizOutcome")


@strawberry.type(description="A question that waits for its answer")
class OpenQuestion:
    number: int
    total: int
    form: Form = strawberry.field(description="BLANK and TERM want a word, a name or a number, the others a sentence")
    text: str
    hints: list[str]
    hints_left: int


@strawberry.type(description="Where the answer stands")
class RecallSource:
    document_id: strawberry.ID
    document_title: str
    page: int | None
    part: int
    quote: str


@strawberry.type(description="What became of a question")
class GradedAnswer:
    number: int
    outcome: turns.Outcome
    concept: str
    question: str
    answer: str
    grade: int = strawberry.field(description="SM-2's quality of a response, 0 to 5")
    feedback: str
    reference: str
    source: RecallSource
    hints: int


@strawberry.type(description="How well a concept is known, by the last answer about it")
class ConceptResult:
    concept: str
    grade: int
    asked: int
    document_id: strawberry.ID
    document_title: str
    page: int | None
    part: int


@strawberry.type(description="The end of a quiz; `weak` are to be read again")
class QuizSummary:
    asked: int
    answered: int
    skipped: int
    average: float | None
    concepts: list[ConceptResult]
    weak: list[ConceptResult]


@strawberry.type(
    description="A turn of a quiz: what was graded, and the question that is open; with `summary` the quiz is over"
)
class RecallTurn:
    quiz: int
    topic: str | None
    question: OpenQuestion | None
    graded: GradedAnswer | None
    summary: QuizSummary | None

    @classmethod
    def of(cls, shown: turns.RecallTurn) -> Self:
        return cls(
            quiz=shown.quiz,
            topic=shown.topic,
            question=OpenQuestion(**_values(shown.question)) if shown.question else None,
            graded=_graded(shown.graded) if shown.graded else None,
            summary=_summary(shown.summary) if shown.summary else None,
        )


def _graded(shown: turns.GradedAnswer) -> GradedAnswer:
    return GradedAnswer(**_values(shown) | {"source": RecallSource(**_values(shown.source))})


def _summary(shown: turns.Summary) -> QuizSummary:
    results = {name: [ConceptResult(**_values(one)) for one in getattr(shown, name)] for name in ("concepts", "weak")}
    return QuizSummary(**_values(shown) | results)


def _values(shown: BaseModel) -> dict[str, Any]:
    values = {name: getattr(shown, name) for name in type(shown).model_fields}
    return {name: strawberry.ID(str(value)) if isinstance(value, UUID) else value for name, value in values.items()}
