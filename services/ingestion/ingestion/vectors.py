"""The vector index as the rest of ingestion sees it, whichever engine holds it.

A library holds shelves: one for each embedding model and rebuild. A shelf is built beside the one that answers, and takes
its place when it is complete. What a shelf has read so far stands in the shelf itself (`Progress`), so that one that is
lost takes its cursor with it, and is filled anew.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Protocol, Self
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from ingestion.words import Words

PREFIX = "passages-"
PROGRESS_ID = UUID(int=0)
"""The point that holds a shelf's progress. It has no owner, so no search finds it."""
LAYOUT = 2
"""What a point consists of; a shelf of another layout is made again. 1 had several vectors a passage, and no words."""
WORDS = "words"
"""Name of the sparse vector; the dense one has none."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a shelf is for, and how far it has come."""

    model: str
    dimensions: int
    rebuild: int
    """Number of the last rebuild that was asked for before the shelf was made."""
    cursor: int = 0
    """Every change up to this number is in the shelf."""
    complete: bool = False
    """Whether it has once caught up, and so may answer."""
    layout: int = LAYOUT

    def payload(self) -> dict[str, Any]:
        return {"progress": asdict(self)}

    @classmethod
    def of(cls, payload: dict[str, Any]) -> Self:
        return cls(**{"layout": 1} | payload["progress"])


@dataclass(frozen=True, slots=True)
class PassageVectors:
    """A passage as it stands in a shelf: its meaning, a unit vector, and its words."""

    passage_id: UUID
    user_id: UUID
    document_id: UUID
    content_version: int
    chunk_index: int
    page: int | None
    vector: NDArray[np.float32]
    words: Words

    def payload(self) -> dict[str, Any]:
        return {
            "user_id": str(self.user_id),
            "document_id": str(self.document_id),
            "content_version": self.content_version,
            "chunk_index": self.chunk_index,
            "page": self.page,
        }


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage and how well it fits: a cosine, or what BM25 gives."""

    passage_id: UUID
    score: float


class Shelf(Protocol):
    """The vectors of one model. Writing the same twice changes nothing; what was written is found by the next search."""

    @property
    def name(self) -> str: ...

    async def upsert(self, passages: Sequence[PassageVectors]) -> None: ...

    async def delete_document(self, document_id: UUID, *, below_version: int | None = None) -> None:
        """Forget a document, or only its passages of content versions below one."""

    async def delete_user(self, user_id: UUID) -> None:
        """Forget all that a user has."""

    async def search(
        self,
        vector: NDArray[np.float32],
        *,
        user_id: UUID,
        document_ids: Collection[UUID] | None = None,
        limit: int,
    ) -> list[Hit]:
        """The user's nearest passages, best first; of the named documents alone if any are named."""

    async def search_words(
        self, words: Words, *, user_id: UUID, document_ids: Collection[UUID] | None = None, limit: int
    ) -> list[Hit]:
        """The user's passages that share words with these, best first by BM25. How rare a word is, this user's passages say."""

    async def missing(self, passage_ids: Collection[UUID]) -> set[UUID]:
        """Those that the shelf does not have."""

    async def versions(self, passage_ids: Collection[UUID]) -> dict[UUID, int]:
        """The content versions of those that the shelf has."""

    async def page(self, after: UUID | None, limit: int) -> dict[UUID, int]:
        """The content versions of its next passages behind an id, by id; fewer than `limit` is the end."""

    async def count(self) -> int:
        """How many passages it holds."""

    async def progress(self) -> Progress: ...

    async def advance(self, progress: Progress) -> None:
        """Write down how far the shelf has come: a shelf that has this, has all that was written before."""


class Library(Protocol):
    """Where shelves are kept."""

    @property
    def shared(self) -> bool:
        """Whether several processes may have it open; then they agree elsewhere on the one that writes."""

    async def open(self) -> None:
        """Raises `LibraryTaken` if it is another's alone, and whatever the engine raises if it cannot be reached."""

    async def shelves(self) -> list[Shelf]:
        """All that are there and can be read; a broken one is removed."""

    async def create(self, progress: Progress) -> Shelf:
        """A new, empty shelf."""

    async def remove(self, name: str) -> None: ...

    async def close(self) -> None: ...


class LibraryTaken(Exception):
    """Another process owns the index; the sentence says which and what to do."""


def new_name(model: str) -> str:
    """A name that no shelf has had, and that tells the model: `passages-all-minilm-l6-v2-1f0c…-5e8a…`."""
    readable = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")[:40]
    return f"{PREFIX}{readable}-{sha256(model.encode()).hexdigest()[:8]}-{uuid4().hex[:8]}"


def progress_vector(dimensions: int) -> list[float]:
    """A vector for the progress point, which must have one."""
    return [1.0] + [0.0] * (dimensions - 1)
