"""How far a quiz is, as the turns before tell: what was asked, what is open, what went wrong and is to come back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from chat.recall.drafts import SHORT, Form
from chat.recall.turns import ConceptResult, Graded, Outcome, Question, QuizTurn, Summary
from chat.terms import terms, words

PASSED = 3
KNOWN = 4
_COMES_BACK_AFTER = 3


def key_of(concept: str) -> frozenset[str]:
    """What tells concepts apart, whatever their form."""
    return frozenset(terms(concept)) or frozenset(words(concept))


@dataclass(frozen=True, slots=True)
class Quiz:
    """A session's turns. `quiz` counts its quizzes; what was asked in an earlier one is not asked again either."""

    turns: Sequence[QuizTurn]

    @classmethod
    def of(cls, kept: Sequence[Mapping[str, Any]]) -> Self:
        return cls([QuizTurn.model_validate(turn) for turn in kept])

    @property
    def last(self) -> QuizTurn | None:
        return self.turns[-1] if self.turns else None

    @property
    def number(self) -> int:
        """Of the quiz that is on, or was last."""
        return self.last.quiz if self.last else 0

    @property
    def open(self) -> Question | None:
        """The question that waits for an answer."""
        return self.last.question if self.last else None

    @property
    def hints(self) -> tuple[str, ...]:
        return self.last.hints if self.last else ()

    @property
    def graded(self) -> list[Graded]:
        """What was graded or skipped in this quiz."""
        return in_force(turn.graded for turn in self.turns if turn.graded is not None and turn.quiz == self.number)

    @property
    def asked(self) -> list[Question]:
        """Every question of the session, each once, in their order."""
        found: dict[tuple[int, int], Question] = {}
        for turn in self.turns:
            if turn.question is not None:
                found[turn.quiz, turn.question.number] = turn.question
        return list(found.values())

    def due_again(self, graded: Sequence[Graded]) -> list[Question]:
        """Questions that were missed and not made good since, the longest ago first.

        Three others come between, six where it was missed twice: what one does not know now one will not know in a minute.
        """
        due: list[Question] = []
        for place, miss in enumerate(graded):
            key = key_of(miss.question.concept)
            later = [other for other in graded[place + 1 :] if key_of(other.question.concept) == key]
            times = sum(key_of(other.question.concept) == key for other in graded[: place + 1])
            if miss.grade < PASSED and not later and len(graded) - place > _COMES_BACK_AFTER * times:
                due.append(miss.question)
        return due


def in_force(graded: Iterable[Graded]) -> list[Graded]:
    """Each question of a quiz once, in the order in which they were answered, with the grade that was given last."""
    return list({one.question.number: one for one in graded}.values())


def other_forms(form: Form) -> tuple[Form, ...]:
    """How a missed question comes back: what had to be said is to be recognised, and the other way round."""
    if form in SHORT:
        return (Form.DEFINITION, Form.REASON, Form.RELATION, *(one for one in SHORT if one is not form))
    return (Form.TERM, Form.BLANK)


def summarise(graded: Sequence[Graded]) -> Summary:
    """What a quiz showed."""
    answered = [one.grade for one in graded if one.outcome is Outcome.ANSWERED]
    concepts: dict[frozenset[str], ConceptResult] = {}
    for one in graded:
        source, key = one.question.source, key_of(one.question.concept)
        before = concepts.get(key)
        concepts[key] = ConceptResult(
            concept=before.concept if before else one.question.concept,
            grade=one.grade,
            asked=1 + (before.asked if before else 0),
            document_id=source.document_id,
            document_title=source.document_title,
            page=source.page,
            part=source.part,
        )
    results = list(concepts.values())
    return Summary(
        asked=len(graded),
        answered=len(answered),
        skipped=len(graded) - len(answered),
        average=round(sum(answered) / len(answered), 2) if answered else None,
        concepts=results,
        weak=sorted((one for one in results if one.grade < PASSED), key=lambda one: one.grade),
    )
