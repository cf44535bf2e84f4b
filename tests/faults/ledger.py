"""What clients were told was accepted; compared with what services stored, said, and took."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass
class Document:
    owner: UUID
    words: str
    deleted: bool = False


@dataclass
class Ledger:
    """Everything that was accepted in one scenario. `since` is each outbox's last position before it."""

    since: dict[str, int]
    names: dict[UUID, str] = field(default_factory=dict)
    documents: dict[UUID, Document] = field(default_factory=dict)
    cards: dict[UUID, UUID] = field(default_factory=dict)
    """Whose."""
    reviews: dict[UUID, UUID] = field(default_factory=dict)
    """Of which card."""
    answers: dict[UUID, UUID] = field(default_factory=dict)
    """To whom."""
    left: set[UUID] = field(default_factory=set)
    """Who deleted the account."""
    erased: set[UUID] = field(default_factory=set)
    """What was theirs; how much of it had been said by then is nobody's business."""

    def erase(self, student: UUID) -> None:
        """Nothing of this student's is to be there any more."""
        self.left.add(student)
        del self.names[student]
        theirs = {document for document, known in self.documents.items() if known.owner == student}
        theirs |= {thing for owned in (self.cards, self.answers) for thing, owner in owned.items() if owner == student}
        self.erased |= theirs
        for kept in (self.documents, self.cards, self.answers):
            for thing in theirs & kept.keys():
                del kept[thing]
        self.reviews = {review: card for review, card in self.reviews.items() if card not in theirs}

    @property
    def students(self) -> list[UUID]:
        return list(self.names)

    @property
    def kept(self) -> list[UUID]:
        """Documents that are not deleted."""
        return [document for document, known in self.documents.items() if not known.deleted]

    @property
    def gone(self) -> list[UUID]:
        return [document for document, known in self.documents.items() if known.deleted]

    def __str__(self) -> str:
        return (
            f"{len(self.names)} students, {len(self.documents)} documents ({len(self.gone)} deleted), "
            f"{len(self.answers)} answers, {len(self.cards)} cards, {len(self.reviews)} reviews; {len(self.left)} left"
        )
