"""What a way to study is given and gives back: the port between the edge, which keeps rows and leases, and the modes."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from uuid import UUID

from chassis.errors import Invalid
from contracts.chat import Mode
from mesh import Event
from pydantic import BaseModel

from chat.citations import Citation
from chat.memory import Exchange
from chat.model import Usage
from chat.models import Intent
from chat.passages import Findings, Passage
from chat.retrieval import Likeness, Retrieval


class IntentNotAvailable(Invalid):
    type, title = "intent-not-available", "This mode does not know that intent"


class Details(BaseModel, frozen=True):
    """What a mode keeps with an answer beside its text: its state, which its later turns find in `Asked.kept`.

    `MessageOut` has a field of the name `shown_as`, and shows of it what that field's type has.
    """

    shown_as: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A student's message whose answer is to be written by whoever holds the lease.

    `title` is the session's, where the student gave it one. `kept` are the `Details` of the session's earlier answers, the oldest first. An answer that failed left none.
    """

    session_id: UUID
    user_id: UUID
    question_id: UUID
    answer_id: UUID
    lease: UUID
    attempt: int
    mode: Mode
    title: str | None
    question: str
    intent: Intent | None
    history: Sequence[Exchange]
    kept: Sequence[Mapping[str, Any]]
    documents: Sequence[UUID]
    questions: int | None = None  # of a quiz, where the student chose
    wanted: Mapping[str, Any] | None = None  # what the message wants beside its words and intent


@dataclass(frozen=True, slots=True)
class Answered:
    """How an answer ended. `prompt` names the template, `model` the model; None where none took part.

    `query` is what was searched. `details` are kept and `events` published in the transaction that completes the answer; the
    events are about the message, and get its version there.
    """

    content: str
    citations: tuple[Citation, ...]
    usage: Usage
    model: str | None = None
    prompt: str | None = None
    query: str | None = None
    details: Details | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """What a session studies, to be searched with the student's own token."""

    retrieval: Retrieval
    documents: Sequence[UUID]
    token: str
    passages: int
    opens: Callable[[], object]

    async def find(self, query: str, *, limit: int | None = None) -> Findings:
        """The passages nearest to the query. Raises a `Problem` when it cannot be searched."""
        limit = limit or self.passages
        found = await self.retrieval.find(query, documents=self.documents, limit=limit, token=self.token)
        self.opens()
        return found

    async def sample(self, seed: str, *, limit: int) -> tuple[Passage, ...]:
        """Passages of everything that is studied, the same for the same seed. Raises a `Problem` when it cannot."""
        found = await self.retrieval.sample(seed, documents=self.documents, limit=limit, token=self.token)
        self.opens()
        return found

    async def compare(self, text: str, *others: str) -> Likeness:
        """How near in meaning the text is to the others. Raises a `Problem` when it cannot be told."""
        return await self.retrieval.compare(text, others, token=self.token)

    def unneeded(self) -> None:
        """Nothing is to be searched before the first word: a stream opens soon, though the model may be slow."""
        self.opens()


class StudyMode(Protocol):
    """A way to study. `intents` are what a message may say that it wants, beside its words."""

    intents: frozenset[Intent]

    def respond(self, asked: Asked, material: Material) -> AsyncGenerator[str | Answered]:
        """The answer as text to send, piece by piece, and at its end the whole of it. It opens no transaction."""
        ...


def expect_intent(mode: StudyMode, asked: Asked) -> None:
    """Raise `IntentNotAvailable` where the session's mode does not know the message's intent."""
    if asked.intent is not None and asked.intent not in mode.intents:
        known = ", ".join(sorted(mode.intents)) or "no intent: leave it out"
        raise IntentNotAvailable(
            f"A session of the mode {asked.mode!r} knows no intent {asked.intent.value!r}, but {known}.",
            intent=asked.intent.value,
        )
