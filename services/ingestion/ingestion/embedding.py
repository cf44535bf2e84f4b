"""Text into vectors: what every embedding model gives, and which one is configured."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ingestion.settings import Settings


class Embedder(Protocol):
    """A model that turns texts into unit vectors, so that a dot product is a cosine."""

    @property
    def name(self) -> str:
        """The model's identity: vectors of two names are never compared."""

    @property
    def dimensions(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One L2-normalised row per text, shape (len(texts), dimensions); raises EmbeddingFailed."""

    async def close(self) -> None: ...


def embedder(settings: "Settings") -> Embedder:
    """The configured model. Cheap: weights are loaded at the first `embed`."""
    raise NotImplementedError
