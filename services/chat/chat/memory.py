"""What the tutor remembers of a conversation, inside a budget of tokens, and what a follow-up question is about."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chat.markers import MarkerReader
from chat.terms import ASKING_WORDS, POINTING_WORDS, STOP_WORDS, words
from chat.tokens import TokenCounter

# What a chat protocol adds around each message.
_TOKENS_PER_TURN = 6
_LONGEST_REMINDER = 160
_REMINDER_SHARE = 0.25
_CUT = " […] "
_LONGEST_QUERY = 1000
_PRONOUNS = frozenset(("it", "its", "they", "them", "their"))
_NAMED_INSIDE = 2
_CONTINUING = re.compile(
    r"\W*(and|but|so|or|also|then|how so|how come|really|go on|continue|tell me more|more|again|what about|how about|"
    r"what else|anything else|for example|such as|in what way)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question that was answered. `query` is what was searched for it."""

    question: str
    answer: str
    query: str


@dataclass(frozen=True, slots=True)
class Memory:
    """`exchanges` are kept whole, oldest first; of older ones only the `reminders` of what was asked are left."""

    reminders: tuple[str, ...]
    exchanges: tuple[Exchange, ...]


def remember(history: Sequence[Exchange], *, budget: int, tokens: TokenCounter) -> Memory:
    """The newest exchanges that fit the budget; what they leave of it goes to reminders of the questions before.

    The newest exchange is always kept, shortened in its middle where it alone is too long.
    """
    kept: list[Exchange] = []
    left = budget
    for exchange in reversed(history):
        plain = Exchange(exchange.question, without_markers(exchange.answer), exchange.query)
        cost = _cost(plain, tokens)
        if cost > left and not kept:
            plain = _shortened(plain, left, tokens)
            cost = _cost(plain, tokens)
        if cost > left:
            break
        kept.append(plain)
        left -= cost
    older = history[: len(history) - len(kept)]
    return Memory(_reminders(older, min(left, int(budget * _REMINDER_SHARE)), tokens), tuple(reversed(kept)))


def _cost(exchange: Exchange, tokens: TokenCounter) -> int:
    return tokens.count(exchange.question) + tokens.count(exchange.answer) + 2 * _TOKENS_PER_TURN


def _shortened(exchange: Exchange, budget: int, tokens: TokenCounter) -> Exchange:
    """The exchange with its question and answer cut to what fits; each may take half, or what the other leaves."""
    room = max(0, budget - 2 * _TOKENS_PER_TURN)
    question = shorten(exchange.question, max(room // 2, room - tokens.count(exchange.answer)), tokens)
    answer = shorten(exchange.answer, room - tokens.count(question), tokens)
    return Exchange(question, answer, exchange.query)


def shorten(text: str, budget: int, tokens: TokenCounter) -> str:
    """The text, with as little of its middle left out as the budget demands."""
    if tokens.count(text) <= budget:
        return text
    low, high = 0, len(text)
    while low < high:
        keep = (low + high + 1) // 2
        if tokens.count(_without_middle(text, keep)) <= budget:
            low = keep
        else:
            high = keep - 1
    return _without_middle(text, low) if low else ""


def _without_middle(text: str, keep: int) -> str:
    head = (keep * 2 + 2) // 3
    return text[:head].rstrip() + _CUT + text[len(text) - (keep - head) :].lstrip()


def _reminders(older: Sequence[Exchange], budget: int, tokens: TokenCounter) -> tuple[str, ...]:
    reminders: list[str] = []
    for exchange in reversed(older):
        asked = " ".join(exchange.question.split())
        asked = asked if len(asked) <= _LONGEST_REMINDER else asked[:_LONGEST_REMINDER].rsplit(" ", 1)[0] + " …"
        budget -= tokens.count(asked) + 2
        if budget < 0:
            break
        reminders.append(asked)
    return tuple(reversed(reminders))


def without_markers(answer: str) -> str:
    """An earlier answer without its citation markers: their numbers mean other passages now."""
    reader = MarkerReader()
    pieces = [*reader.feed(answer), *reader.close()]
    return re.sub(r"[ \t]+([.,;:!?])", r"\1", "".join(piece for piece in pieces if isinstance(piece, str))).strip()


def search_query(question: str, history: Sequence[Exchange]) -> str:
    """What to search for: the question, and where it leans on what was said before, also what that was about.

    "And why?" is searched with the last question that stood on its own, and with the one just before.
    """
    question = " ".join(question.split())
    if not history or not leans_on_history(question):
        return question[:_LONGEST_QUERY]
    topic = _topic(history)
    previous = " ".join(history[-1].question.split())
    parts = [topic] if previous in topic else [topic, previous]
    return " ".join([*(part[: _LONGEST_QUERY // 4] for part in parts), question])[:_LONGEST_QUERY]


def _topic(history: Sequence[Exchange]) -> str:
    for exchange in reversed(history):
        if not leans_on_history(exchange.question):
            return " ".join(exchange.question.split())
    return history[0].query


def leans_on_history(question: str) -> bool:
    """Whether a question can hardly be understood alone: it names next to nothing, or points back."""
    said = words(question)
    named = [word for word in said if word not in STOP_WORDS and word not in ASKING_WORDS]
    if not named:
        return True
    pointing = next((place for place, word in enumerate(said) if word in POINTING_WORDS), None)
    if pointing is not None:
        # "And the unemployment rate, how is it measured?" points at what it has named itself.
        inside = said[pointing] in _PRONOUNS and sum(word in named for word in said[:pointing]) >= _NAMED_INSIDE
        return len(named) <= 4 and not inside
    return len(named) <= 1 and bool(_CONTINUING.match(question))
