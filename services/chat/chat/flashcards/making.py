"""Cards without a language model: the questions that a quiz would ask, or a student has asked, where they are worth keeping."""

import asyncio
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chat.flashcards.card import Card, card_of, card_of_answer, card_of_question
from chat.flashcards.material import Studied
from chat.model import Usage
from chat.passages import Passage
from chat.recall.drafts import BLANK, Draft, Form
from chat.recall.making import drafts
from chat.terms import question_terms, terms

# Below it stand names and years that nobody needs out of their place.
_LEAST_WORTH = 0.6
_SAME_PART = 0.08
_TERM_IS_HIDDEN = re.compile(rf"Fill in the blank: (?:A\(n\) |The )?{BLANK}")
_MISSED, _FOR_EACH_GRADE = 1.2, 0.12
_ON_TOPIC = 0.5


@dataclass(frozen=True, slots=True)
class Order:
    """What cards are wanted: so many, from these passages, about what was studied, and none of the `known` questions."""

    passages: Sequence[Passage]
    wanted: int
    studied: Studied
    known: Collection[str]


@dataclass(frozen=True, slots=True)
class Made:
    """Cards, and what they cost. `model` and `prompt` are None where no language model took part."""

    cards: Sequence[Card]
    usage: Usage
    model: str | None = None
    prompt: str | None = None


class Maker(Protocol):
    """Makes cards. Raises a `Problem` where it cannot; without any where the material holds nothing worth one."""

    async def make(self, order: Order) -> Made: ...


class OfflineMaker:
    """Cards in the material's own sentences."""

    async def make(self, order: Order) -> Made:
        """A third of a second for a chapter, in a thread."""
        return Made(await asyncio.to_thread(_make, order), Usage(0, 0))


def _make(order: Order) -> list[Card]:
    about = order.studied
    cards = cards_of(order.passages)
    if not about.is_nothing:
        cards = [*_of_questions(about), *(card for card in cards if _is_on_topic(card, about))]
    return chosen(cards, order.wanted, order.known)


def cards_of(passages: Sequence[Passage]) -> list[Card]:
    """The cards that can be made of these passages, the best first."""
    worthy = (draft for draft in drafts(passages) if draft.worth >= _LEAST_WORTH and not _is_turned_round(draft))
    made = (card_of(draft) for draft in worthy)
    return [card for card in made if card is not None]


def _is_turned_round(draft: Draft) -> bool:
    """Whether it asks which term has a meaning: what a term means is a card already."""
    return draft.form is Form.TERM or bool(_TERM_IS_HIDDEN.match(draft.question))


def chosen(cards: Iterable[Card], wanted: int, known: Collection[str]) -> list[Card]:
    """At most so many of the cards, in the order of the pages: each asks for something else, none is among the `known`
    questions (as `key_of` gives them), and they are spread over the pages."""
    picked: list[Card] = []
    parts: Counter[tuple[UUID, int]] = Counter()
    left = [card for card in cards if card.key not in known]
    while left and len(picked) < wanted:
        best = max(left, key=lambda card: card.worth - _SAME_PART * parts[_part(card)])
        picked.append(best)
        parts[_part(best)] += 1
        left = [card for card in left if not card.repeats(best)]
    return sorted(picked, key=lambda card: (*_place(card), card.start))


def _of_questions(studied: Studied) -> Iterator[Card]:
    """What was missed comes first, then what the student asked."""
    for graded in studied.graded:
        yield card_of_question(graded.question, _MISSED - _FOR_EACH_GRADE * graded.grade)
    for exchange in studied.exchanges:
        # A follow-up is searched with what it leans on, and is not understood without it.
        if exchange.query == exchange.question and (card := card_of_answer(exchange.question, exchange.citations)):
            yield card


def _is_on_topic(card: Card, studied: Studied) -> bool:
    held = frozenset(terms(f"{card.question} {card.answer}"))
    named = (frozenset(question_terms(query)) for query in studied.queries)
    return any(asked and len(asked & held) >= _ON_TOPIC * len(asked) for asked in named)


def _part(card: Card) -> tuple[UUID, int]:
    return card.passage.document_id, card.passage.part


def _place(card: Card) -> tuple[str, int, int]:
    return str(card.passage.document_id), card.passage.part, card.passage.start
