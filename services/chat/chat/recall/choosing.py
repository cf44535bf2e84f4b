"""Which of the questions that can be made is asked next: not one that was asked, far from the last ones, and fit for the student."""

from collections.abc import Sequence
from random import Random

from chat.recall.drafts import SHORT, Draft, Form
from chat.recall.quiz import Quiz, key_of, other_forms
from chat.recall.turns import Graded, Question

_LEAST_WORTH = 0.15
_SAME_PAGE, _SAME_DOCUMENT = 0.25, 0.12
_RECENT = 6
_SAME_FORM = 0.15
_CHANCE = 0.2
_STRUGGLING, _SURE = 2.5, 4.0
_FITTING = 0.15


def choose(drafts: Sequence[Draft], quiz: Quiz, graded: Sequence[Graded], random: Random) -> Draft | None:
    """The next question; None where nothing is left to ask. What was missed comes back in another form."""
    for missed in quiz.due_again(graded):
        if (again := _again(missed, drafts)) is not None:
            return again
    asked = quiz.asked
    taken = {key_of(question.concept) for question in asked}
    places = {(question.source.document_id, question.source.quote) for question in asked}
    fresh = [
        draft
        for draft in drafts
        if draft.worth >= _LEAST_WORTH
        and draft.about not in taken
        and (draft.passage.document_id, " ".join(draft.passage.text[draft.start : draft.end].split())) not in places
    ]
    return max(
        fresh, key=lambda draft: _fitness(draft, asked[-_RECENT:], graded) + _CHANCE * random.random(), default=None
    )


def _again(missed: Question, drafts: Sequence[Draft]) -> Draft | None:
    same = [draft for draft in drafts if draft.about == key_of(missed.concept)]
    for form in other_forms(missed.form):
        if (found := next((draft for draft in same if draft.form is form), None)) is not None:
            return found
    return None


def _fitness(draft: Draft, recent: Sequence[Question], graded: Sequence[Graded]) -> float:
    fitness = draft.worth
    documents = [question.source.document_id for question in recent]
    pages = [(question.source.document_id, question.source.part) for question in recent]
    fitness -= _SAME_DOCUMENT * documents.count(draft.passage.document_id) / max(1, len(recent))
    fitness -= _SAME_PAGE * ((draft.passage.document_id, draft.passage.part) in pages)
    if recent and recent[-1].form is draft.form:
        fitness -= _SAME_FORM
    if graded:
        average = sum(one.grade for one in graded) / len(graded)
        if average < _STRUGGLING and draft.form in SHORT:
            fitness += _FITTING
        if average >= _SURE and draft.form in (Form.REASON, Form.RELATION):
            fitness += _FITTING
    return fitness
