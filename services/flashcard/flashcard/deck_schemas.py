"""What flashcard takes and shows of decks over HTTP."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from flashcard.deck_counts import Counts
from flashcard.decks import deck_name
from flashcard.models import Deck
from flashcard.scheduling import DeckOptions
from flashcard.schemas import storable

DeckName = Annotated[
    str, Field(max_length=1000, examples=["Biology::Cells"]), AfterValidator(storable), AfterValidator(deck_name)
]


class NewDeck(BaseModel):
    """The body of `POST /decks`; options left out have their defaults."""

    model_config = ConfigDict(extra="forbid")

    name: DeckName
    options: DeckOptions = DeckOptions()


class DeckChange(BaseModel):
    """What to change of a deck; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: DeckName | None = None
    options: DeckOptions | None = Field(
        None,
        description="Those that are left out stay as they are. Those that the schedule depends on replay the log of reviews",
    )


class Rescheduling(BaseModel):
    """How far the cards of a deck have got the schedule that its changed options give."""

    cards: int = Field(description="Those that were reviewed, when the options were changed")
    done: int


class DeckOut(BaseModel):
    """A deck."""

    id: UUID
    name: str
    options: DeckOptions
    rescheduling: Rescheduling | None = Field(
        None, description="While cards are being rescheduled after options were changed; null when all are"
    )
    created_at: datetime
    updated_at: datetime


class CountedDeck(DeckOut):
    """A deck, and what is to be done in it and in all that lies in it. `learning`, `due` and `new` are those of
    `GET /flashcards/due?deck_id=` at this moment: what is left today, within the limits of this deck and of each that lies in it."""

    learning: int = Field(description="Steps of minutes that are over; where nothing else is left, that soon are")
    due: int
    new: int
    cards: int = Field(description="All that there are, suspended and buried ones too")


class ShareOut(BaseModel):
    """A link to a deck: `GET` its path shows it, `POST …/copy` copies it."""

    token: str
    path: str


class SharedDeckOut(BaseModel):
    """What a link leads to."""

    name: str
    cards: int
    samples: list[str] = Field(description="The first questions")


def deck_out(deck: Deck) -> DeckOut:
    """A deck as it is shown."""
    options = DeckOptions.model_validate(deck.options)
    # Cards that were moved into it meanwhile are counted, too.
    done = Rescheduling(cards=deck.replay_cards, done=min(deck.replayed_cards, deck.replay_cards))
    # Where none was reviewed nothing is to be seen of it: a first review that is being written is waited for.
    rescheduling = done if deck.replay_at is not None and deck.replay_cards else None
    return DeckOut.model_validate(deck.model_dump() | {"options": options, "rescheduling": rescheduling})


def counted_deck(deck: Deck, counts: Counts) -> CountedDeck:
    """A deck as it is shown with its counts."""
    return CountedDeck.model_validate(deck_out(deck).model_dump() | asdict(counts))
