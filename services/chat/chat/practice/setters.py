"""Who sets practice questions: the port, and the setter that needs no language model."""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from chat.citations import single_spaced
from chat.flashcards.card import card_of
from chat.model import Usage
from chat.passages import Passage
from chat.practice.exercises import Difficulty, Wanted
from chat.recall.drafts import Draft, Form
from chat.recall.making import drafts
from chat.recall.turns import Question
from chat.terms import question_terms, terms

_LEAST_WORTH = 0.5
_ON_TOPIC = 0.4
_SAME_PART = 0.1
_NEAR = 400  # characters: a passage is long enough to speak of several things
_HALF = 0.5
_JOINT = re.compile(r"\s+(?:and|or|vs\.?|versus)\s+|\s*[,;/]\s*", re.IGNORECASE)
_FITS: Mapping[Difficulty, Mapping[Form, float]] = {
    Difficulty.EASY: {Form.TERM: 0.5, Form.BLANK: 0.4},
    Difficulty.MEDIUM: {Form.DEFINITION: 0.4, Form.RELATION: 0.3},
    Difficulty.HARD: {Form.REASON: 0.6, Form.RELATION: 0.5, Form.DEFINITION: 0.2},
}


@dataclass(frozen=True, slots=True)
class Order:
    """Questions on a topic, from these passages."""

    topic: str
    wanted: Wanted
    passages: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class SetQuestions:
    """Questions, and what they cost."""

    questions: Sequence[Question]
    usage: Usage


class Setter(Protocol):
    """Sets questions. Raises a `Problem` where it cannot; `model` and `prompt` are None where no model takes part."""

    @property
    def model(self) -> str | None: ...

    @property
    def prompt(self) -> str | None: ...

    async def make(self, order: Order) -> SetQuestions: ...


class OfflineSetter:
    """Questions made from the sentences of the passages."""

    model = None
    prompt = None

    async def make(self, order: Order) -> SetQuestions:
        """As many as the passages give, at most as many as are wanted."""
        drafted = await asyncio.to_thread(on_topic, order)
        return SetQuestions(numbered(chosen(drafted, order.wanted)), Usage(0, 0))


def on_topic(order: Order) -> list[Draft]:
    """The questions that can be made about the topic, those that name it with more worth.

    What asks for a name or a year, or can only be understood in its place, fills up where it names the topic, and does not ask for
    it; what only stands near comes where there is nothing else.
    """
    parts = [frozenset(question_terms(part)) for part in _JOINT.split(order.topic)]
    found: list[Draft] = []
    gaps: list[Draft] = []
    for draft in drafts(order.passages):
        held = _share(parts, f"{draft.concept} {draft.reference}")
        worthy = draft.worth >= _LEAST_WORTH and card_of(draft) is not None
        near = held or _share(parts, draft.passage.text[max(0, draft.start - _NEAR) : draft.end])
        if near and (worthy or not _share(parts, draft.answer)):
            (found if worthy or held else gaps).append(replace(draft, worth=draft.worth + _ON_TOPIC * held))
    return found or gaps


def _share(parts: Sequence[frozenset[str]], text: str) -> float:
    """How much of the topic is named, of the part that is named best; nothing where that is half of it at most."""
    held = frozenset(terms(text))
    most = max((len(part & held) / len(part) for part in parts if part), default=0.0)
    return most if most > _HALF else 0.0


def chosen(drafted: Sequence[Draft], wanted: Wanted) -> list[Draft]:
    """The questions that fit best, each about another concept and of another sentence, spread over the pages."""
    picked: list[Draft] = []
    parts: Counter[tuple[UUID, int]] = Counter()
    fits = _FITS[wanted.difficulty]
    left = list(drafted)
    while left and len(picked) < wanted.count:
        best = max(left, key=lambda one: one.worth + fits.get(one.form, 0.0) - _SAME_PART * parts[_part(one)])
        picked.append(best)
        parts[_part(best)] += 1
        left = [draft for draft in left if draft.about != best.about and _sentence(draft) != _sentence(best)]
    return picked


def numbered(picked: Sequence[Draft], *, offline: bool = True, after: int = 0) -> list[Question]:
    """The drafts as questions that are asked, counted on from `after`."""
    return [Question.of(draft, number, offline=offline) for number, draft in enumerate(picked, after + 1)]


def _part(draft: Draft) -> tuple[UUID, int]:
    return draft.passage.document_id, draft.passage.part


def _sentence(draft: Draft) -> str:
    return single_spaced(draft.passage.text[draft.start : draft.end])
