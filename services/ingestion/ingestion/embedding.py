"""Text into vectors: what every embedding model gives, and which one is configured.

A passage has one or more vectors: of each sentence where that costs nothing more, else of each window of its text that the
model reads as a whole. Nothing of it is left out, and its nearest vector says how near it is to a question. The index finds
passages by the mean of their vectors, so it is small.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ingestion.embedding_failures import EmbeddingFailed
from ingestion.minilm import MiniLM
from ingestion.settings import Settings

__all__ = ["Embedder", "EmbeddingFailed", "embedder", "from_bytes", "mean", "named", "to_bytes"]

Vector = NDArray[np.float32]
"""One unit vector, shape (d,)."""
Vectors = NDArray[np.float32]
"""The vectors of one passage, a unit vector in each row, shape (n, d)."""
_BYTES = b"\x01"
"""Marks vectors of bytes; because of it no such value has the length of one without."""


class Embedder(Protocol):
    """A model that turns texts into unit vectors, so that a dot product is a cosine. Raises `EmbeddingFailed`."""

    @property
    def name(self) -> str:
        """The model's identity: vectors of two names are never compared."""

    async def dimensions(self) -> int:
        """The length of its vectors; a remote model may have to be asked."""

    async def embed_passages(self, texts: Sequence[str]) -> list[Vectors]:
        """The vectors of each text, at least one each."""

    async def embed_query(self, text: str) -> Vector:
        """The vector of a question."""

    async def close(self) -> None: ...


def to_bytes(vectors: Vectors) -> bytes:
    """How a passage's vectors are stored: a mark, then one vector after the other, a signed byte for each dimension.

    Only directions count, so each vector is stretched to the range of a byte; a cosine changes by 0.002 at most.
    """
    largest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-12)
    stored: bytes = np.rint(vectors * (127 / largest)).astype(np.int8).tobytes()
    return _BYTES + stored


def from_bytes(stored: bytes, dimensions: int) -> Vectors:
    """The vectors of a stored passage; raises ValueError where they have other dimensions."""
    if len(stored) % dimensions != len(_BYTES):  # written before there was a mark
        return np.frombuffer(stored, "<f4").reshape(-1, dimensions)
    rows = np.frombuffer(stored, np.int8, offset=len(_BYTES)).reshape(-1, dimensions).astype(np.float32)
    unit: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit


def mean(vectors: Vectors) -> Vector:
    """The one vector that the index finds a passage by."""
    middle = vectors.mean(axis=0)
    unit: Vector = middle / max(float(np.linalg.norm(middle)), 1e-12)
    return unit


def embedder(settings: Settings) -> Embedder:
    """The configured model. Cheap: weights are loaded at the first text."""
    if settings.embeddings_base_url is None and settings.embeddings_model in (None, MiniLM.name):
        return MiniLM(settings.data_dir / "ingestion" / "models")
    # Its client is half a second of CPU and tens of megabytes, which the model on this CPU does not need.
    from ingestion.openai_embedding import OpenAIEmbedding  # noqa: PLC0415

    return OpenAIEmbedding(
        base_url=settings.embeddings_base_url,
        api_key=settings.embeddings_api_key.get_secret_value() if settings.embeddings_api_key else None,
        model=settings.embeddings_model or "text-embedding-3-small",
        dimensions=settings.embeddings_dimensions,
        batch=settings.embeddings_batch,
        window=settings.embeddings_window,
    )


def named(settings: Settings, name: str) -> Embedder | None:
    """The model that made an older index, while another is being built: the same provider's, or the one on this CPU."""
    if name == MiniLM.name:
        return MiniLM(settings.data_dir / "ingestion" / "models")
    if settings.embeddings_base_url is None and settings.embeddings_api_key is None:
        return None
    model, _, dimensions = name.rpartition("@")
    shortened = {"embeddings_model": model, "embeddings_dimensions": int(dimensions)} if dimensions.isdigit() else {}
    whole = {"embeddings_model": name, "embeddings_dimensions": None}
    return embedder(settings.model_copy(update=shortened or whole))
