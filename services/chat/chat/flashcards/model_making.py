"""Cards by a language model, which is believed nothing that can be checked: each must rest on words that stand in its passage."""

import re
from asyncio import get_running_loop, timeout_at
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from logging import getLogger
from math import ceil
from secrets import token_hex

from pydantic import BaseModel, Field

from chat.citations import quoted_span, single_spaced
from chat.flashcards.card import LONGEST_ANSWER, LONGEST_QUESTION, Card
from chat.flashcards.making import Made, Maker, OfflineMaker, Order, chosen
from chat.model import ModelFailed, Turn, Usage
from chat.passages import Passage
from chat.prompts import Prompt, fenced, unfenced
from chat.recall.drafts import Draft, Form
from chat.recall.model_examiner import plain
from chat.recall.quiz import PASSED
from chat.structured import ModelUnreadable, Structured
from chat.terms import terms, words
from chat.tokens import TokenCounter
from chat.tutoring import Budget

log = getLogger(__name__)
# What a card costs to write, its quote and JSON included.
_TOKENS_OF_A_CARD = 120
_MOST_AT_ONCE, _MOST_CALLS = 10, 6
_MOST_LISTED = 40
_SHORT = 4
_SUPPORTED = 0.5
_LEANS = re.compile(
    r"\b(?:according to|in|of) (?:the|this) (?:text|passage|document|material|author|page|chapter|section|excerpt)\b",
    re.IGNORECASE,
)


class NewCard(BaseModel):
    """A card as the model fills it in. Bounds are kept by `checked`: one bad card should not cost the others."""

    concept: str
    question: str
    answer: str
    passage: int
    quote: str


class NewCards(BaseModel):
    """What the model fills in."""

    cards: list[NewCard] = Field(max_length=4 * _MOST_AT_ONCE)


class ModelMaker:
    """Asks a language model, a stretch of the material at a time. What does not stand up is left out; where nothing does, the
    offline maker takes its place."""

    def __init__(
        self, structured: Structured, prompt: Prompt, tokens: TokenCounter, budget: Budget, seconds: float
    ) -> None:
        self._structured = structured
        self._prompt = prompt
        self._tokens = tokens
        self._budget = budget
        self._seconds = seconds
        self._offline = OfflineMaker()

    async def make(self, order: Order) -> Made:
        """Within the seconds that it has. Raises `ModelFailed` where no model answers at all."""
        cards, usage = await self._written(order)
        if not (picked := chosen(cards, order.wanted, order.known)):
            return Made((await self._offline.make(order)).cards, usage)
        return Made(picked, usage, usage.model or self._structured.name, self._prompt.name)

    async def _written(self, order: Order) -> tuple[list[Card], Usage]:
        """What the model wrote and what of it stands up, a call for each stretch, as far as there is time."""
        ends = get_running_loop().time() + self._seconds
        at_once = max(1, min(_MOST_AT_ONCE, self._longest // _TOKENS_OF_A_CARD))
        calls = min(_MOST_CALLS, ceil(order.wanted / at_once), max(1, len(order.passages)))
        cards: list[Card] = []
        usage = Usage(0, 0)
        for stretch in stretches(order.passages, calls):
            known = [*order.known, *(card.key for card in cards)]
            shown, turns = self._turns(stretch, order, known, min(at_once, ceil(order.wanted / calls)))
            try:
                async with timeout_at(ends):
                    filled = await self._structured.fill(turns, NewCards, longest=self._longest)
            except ModelUnreadable as unreadable:
                usage += unreadable.usage
            except (ModelFailed, TimeoutError) as failure:
                if not cards and isinstance(failure, ModelFailed):
                    raise
                log.warning("the language model left cards unwritten: %s", failure or "no time is left")
                break
            else:
                usage += filled.usage
                cards += checked(filled.value.cards, shown)
        return cards, usage

    @property
    def _longest(self) -> int:
        return self._budget.answer

    def _turns(
        self, passages: Sequence[Passage], order: Order, known: Sequence[str], wanted: int
    ) -> tuple[Sequence[Passage], list[Turn]]:
        """What the model is given, and which passages of it: as many as fit."""
        fence = f"passage-{token_hex(4)}"
        instructions = self._prompt.instructions.substitute(fence=fence)
        listed = _listed(known[-_MOST_LISTED:], fence) or "None."
        topics = _topics(order, fence)
        room = self._budget.context - self._longest - self._tokens.count(instructions + listed + topics)
        shown = passages
        while len(shown) > 1 and self._tokens.count(fenced(shown, fence)) > room:
            shown = shown[:-1]
        said = self._prompt.question.substitute(
            passages=fenced(shown, fence), topics=topics, known=listed, wanted=str(wanted)
        )
        return shown, [Turn("system", instructions), Turn("user", said)]


def stretches(passages: Sequence[Passage], count: int) -> list[Sequence[Passage]]:
    """The passages in so many runs of about the same length."""
    borders = [len(passages) * part // count for part in range(count + 1)]
    return [passages[begin:end] for begin, end in pairwise(borders) if begin < end]


def checked(written: Sequence[NewCard], passages: Sequence[Passage]) -> Iterator[Card]:
    """Those of a model's cards that stand up."""
    for card in written:
        if (found := _checked(card, passages)) is not None:
            yield found
        else:
            log.info("a card that does not stand up is left out")


def _checked(said: NewCard, passages: Sequence[Passage]) -> Card | None:
    question, answer = plain(said.question), plain(said.answer)
    if not 1 <= said.passage <= len(passages) or not (len(words(question)) >= 3 and words(answer)):
        return None
    passage = passages[said.passage - 1]
    span = quoted_span(passage, said.quote) if len(words(said.quote)) > 1 else None
    if span is None or not _is_supported(answer, question, passage) or _LEANS.search(question):
        return None
    form = Form.TERM if len(words(answer)) <= _SHORT else Form.RELATION
    reference = single_spaced(passage.text[slice(*span)])
    draft = Draft(form, plain(said.concept) or question, question, answer, reference, passage, *span, worth=1.0)
    if draft.gives_itself_away or len(question) > LONGEST_QUESTION or len(answer) > LONGEST_ANSWER:
        return None
    return Card("basic", question, answer, draft.about, draft.worth, passage, *span)


def _is_supported(answer: str, question: str, passage: Passage) -> bool:
    """Whether the passage has the answer's numbers, and most of its words: own words are few in so short a sentence."""
    held = frozenset(terms(passage.text)) | frozenset(terms(question))
    said = frozenset(terms(answer))
    numbers = frozenset(re.findall(r"\d+", answer)) <= frozenset(re.findall(r"\d+", f"{passage.text} {question}"))
    return numbers and len(said & held) >= _SUPPORTED * len(said)


def _topics(order: Order, fence: str) -> str:
    """What the student asked and missed, where it is a session that cards are made of."""
    missed = [graded.question.concept for graded in order.studied.graded if graded.grade < PASSED]
    listed = _listed([*missed, *order.studied.queries][:_MOST_LISTED], fence)
    return (
        f"What the student asked about, or did not know, which the cards are to be about:\n\n{listed}\n"
        if listed
        else ""
    )


def _listed(entries: Collection[str], fence: str) -> str:
    return "\n".join(f"<{fence}>{unfenced(entry)}</{fence}>" for entry in entries)


class SparedMaker:
    """A `Maker` with a model, and offline where no model answers."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._offline = OfflineMaker()

    async def make(self, order: Order) -> Made:
        """As the maker with a model does; where that fails, as the other one does."""
        try:
            return await self._maker.make(order)
        except ModelFailed as failure:
            log.warning("cards are made offline: %s", failure)
            return await self._offline.make(order)
