"""Sessions that begin with what a student wants at once: a concept explained, questions to practise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from chat.models import Intent
from chat.practice.exercises import Wanted
from chat.schemas import LONGEST_TITLE, Chosen, one_line

Subject = Annotated[str, Field(max_length=LONGEST_TITLE), AfterValidator(one_line)]


@dataclass(frozen=True, slots=True)
class Opening:
    """A session in the mode `tutor`, with its title and its first message."""

    title: str
    documents: list[UUID]
    content: str
    intent: Intent | None = None
    wanted: Mapping[str, Any] | None = None


class NewExplanation(BaseModel):
    """The body of `POST /chat/explain`."""

    concept: Subject = Field(description="What is to be explained, such as `osmosis`")
    document_ids: Chosen = Field(default=[])

    @property
    def opening(self) -> Opening:
        """The question is put into words, so that it is understood as one when the session goes on."""
        return Opening(self.concept, self.document_ids, f"Explain {self.concept}")


class NewPractice(Wanted):
    """The body of `POST /chat/practice`."""

    topic: Subject = Field(description="What the questions are to be about, such as `osmosis`")
    document_ids: Chosen = Field(default=[])

    @property
    def opening(self) -> Opening:
        """The message is the topic; what kind of questions is kept beside it, for a retry."""
        wanted = {"difficulty": self.difficulty.value, "count": self.count}
        return Opening(self.topic, self.document_ids, self.topic, Intent.PRACTICE, wanted)
