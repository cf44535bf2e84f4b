"""Who asks and grades: the port, and the examiner that needs no language model."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from logging import getLogger
from random import Random
from typing import Protocol

from chassis.errors import Problem

from chat.model import Usage
from chat.passages import Passage
from chat.recall.astray import Elsewhere, told_elsewhere
from chat.recall.choosing import choose
from chat.recall.drafts import SHORT, Draft
from chat.recall.grading import ABOUT_IT, Grade, grade
from chat.recall.making import drafts
from chat.recall.quiz import Quiz
from chat.recall.turns import Graded, Question
from chat.studying import Material
from chat.teach_back import quoted
from chat.terms import question_terms, terms

log = getLogger(__name__)
NOTHING = Usage(0, 0)
_ON_TOPIC = 0.4
MEASURED = frozenset(("all-MiniLM-L6-v2",))
"""The models whose cosines are known to tell a right answer (see the README); of others the words alone count."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """What the next question is chosen by: passages, what was asked before, and what was graded in this quiz, this turn's too."""

    passages: Sequence[Passage]
    topic: str | None
    quiz: Quiz
    graded: Sequence[Graded]
    number: int
    seed: str


@dataclass(frozen=True, slots=True)
class Assessed:
    """A grade with what the student is told. `quote` is where in the source it stands, if elsewhere than the reference."""

    grade: Grade
    feedback: str
    usage: Usage
    offline: bool
    quote: str | None = None


class Examiner(Protocol):
    """Asks and grades. Both raise a `Problem` where they cannot; `model` and `prompt` are None where no model takes part."""

    @property
    def model(self) -> str | None: ...

    @property
    def prompt(self) -> str | None: ...

    async def ask(self, sitting: Sitting) -> tuple[Question | None, Usage]: ...

    async def assess(self, question: Question, said: str, material: Material) -> Assessed: ...


class OfflineExaminer:
    """Questions made from sentences, answers graded by meaning and words."""

    model = None
    prompt = None

    async def ask(self, sitting: Sitting) -> tuple[Question | None, Usage]:
        """The next question; None where the passages give no other."""
        chosen = await asyncio.to_thread(_choose, sitting)
        return (Question.of(chosen, sitting.number) if chosen is not None else None), NOTHING

    async def assess(self, question: Question, said: str, material: Material) -> Assessed:
        """The grade. Where meanings cannot be compared right now, by the words alone."""
        nearness = await near(question, said, material)
        found = await asyncio.to_thread(grade, question.task, said, nearness)
        other = None
        if nearness is not None and found.by_meaning_alone:
            other = await _elsewhere(question, said, material)
        if other is None:
            return Assessed(found, feedback(found), NOTHING, offline=True)
        found = replace(found, grade=min(found.grade, ABOUT_IT + other.about_it))
        return Assessed(found, _led_astray(other), NOTHING, offline=True)


async def _elsewhere(question: Question, said: str, material: Material) -> Elsewhere | None:
    try:
        return await told_elsewhere(question, said, material)
    except Problem as problem:
        log.warning("an answer is not held against the rest of the material: %s", problem)
        return None


async def near(question: Question, said: str, material: Material) -> float | None:
    """The cosine of what was said and what was asked for; None where it cannot be told, or says nothing."""
    if not said.strip() or question.form in SHORT:
        return None
    try:
        likeness = await material.compare(said, question.answer)
    except Problem as problem:
        log.warning("an answer is graded by its words alone: %s", problem)
        return None
    return likeness.cosines[0] if likeness.model in MEASURED else None


def _choose(sitting: Sitting) -> Draft | None:
    made = drafts(sitting.passages)
    if sitting.topic is not None:
        named = frozenset(question_terms(sitting.topic))
        made = sorted((_on_topic(draft, named) for draft in made), key=lambda draft: -draft.worth)
    return choose(made, sitting.quiz, sitting.graded, Random(sitting.seed))  # noqa: S311 - chance that can be repeated


def _on_topic(draft: Draft, named: frozenset[str]) -> Draft:
    held = named.intersection(terms(f"{draft.concept} {draft.reference}"))
    return replace(draft, worth=draft.worth + _ON_TOPIC * len(held) / max(1, len(named)))


_SAID = (
    "That is not it.",
    "Not right.",
    "A part of it.",
    "Right in the main.",
    "Right, and little is missing.",
    "That is it.",
)
_MOST_MISSING = 4


def _led_astray(other: Elsewhere) -> str:
    """What a student is told whose answer belongs to another question."""
    return f"Not what was asked for. That is nearer to another sentence of your material: “{quoted(other.sentence)}”"


def _turned(twist: str) -> str:
    """What turns the answer round, in words for the student."""
    first = twist.split(", ", maxsplit=1)[0]
    if first == "not":
        return "That denies what your material says, or says what it denies."
    said, _, instead = first.partition(" / ")
    if instead:
        return f"That says the opposite: “{said}”, where your material says “{instead}”."
    return "That has it the wrong way round."


def feedback(found: Grade) -> str:
    """What a student is told of a grade."""
    if found.silent:
        return "No answer this time."
    if found.twist is not None:
        return _turned(found.twist)
    said = _SAID[found.grade]
    if 2 <= found.grade <= 4 and found.missing:
        said += f" Not mentioned: {', '.join(found.missing[:_MOST_MISSING])}."
    return said
