"""Embeddings of an OpenAI-compatible API: OpenAI, Ollama, vLLM and others that speak `POST /embeddings`."""

import asyncio
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, OpenAIError, omit

from ingestion.embedding_failures import EmbeddingFailed
from ingestion.windows import text_windows

SECONDS = 30.0
RETRIES = 4
"""Of 408, 409, 429, 5xx and lost connections, as `Retry-After` asks or with growing pauses: the client's own."""
AT_ONCE = 4
PASSING = frozenset({408, 409, 429})


class OpenAIEmbedding:
    """An `Embedder`. `window` is the most characters that are sent as one text: less than the model reads."""

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: str | None,
        model: str,
        dimensions: int | None = None,
        batch: int = 64,
        window: int = 4000,
        seconds: float = SECONDS,
        retries: int = RETRIES,
    ) -> None:
        self.name = model if dimensions is None else f"{model}@{dimensions}"
        self._model = model
        self._asked = dimensions
        self._dimensions = dimensions
        self._batch = batch
        self._window = window
        # Servers on one's own machine want no key, but the client insists on one.
        self._client = AsyncOpenAI(base_url=base_url, api_key=api_key or "none", timeout=seconds, max_retries=retries)

    async def dimensions(self) -> int:
        if self._dimensions is None:
            await self._request(["How long is a vector?"])
        assert self._dimensions is not None
        return self._dimensions

    async def embed_passages(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        if not texts:
            return []
        parts = [text_windows(_sendable(text), self._window) for text in texts]
        vectors = await self._embed([window for part in parts for window in part])
        ends = accumulate((len(part) for part in parts), initial=0)
        return [vectors[start:end] for start, end in pairwise(ends)]

    async def embed_query(self, text: str) -> NDArray[np.float32]:
        vectors = await self._embed(text_windows(_sendable(text), self._window))
        mean: NDArray[np.float32] = _unit(vectors.mean(axis=0, keepdims=True))[0]
        return mean

    async def close(self) -> None:
        await self._client.close()

    async def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        batches = [texts[at : at + self._batch] for at in range(0, len(texts), self._batch)]
        turns = asyncio.Semaphore(AT_ONCE)

        async def send(batch: list[str]) -> NDArray[np.float32]:
            async with turns:
                return await self._request(batch)

        try:
            async with asyncio.TaskGroup() as tasks:
                sent = [tasks.create_task(send(batch)) for batch in batches]
        except* EmbeddingFailed as failures:
            # One of them is enough to say; the others were cancelled or failed alike.
            raise failures.exceptions[0] from None
        return np.concatenate([task.result() for task in sent])

    async def _request(self, texts: list[str]) -> NDArray[np.float32]:
        try:
            answer = await self._client.embeddings.create(
                model=self._model,
                input=texts,
                dimensions=self._asked if self._asked is not None else omit,
                encoding_format="float",
            )
            # The client checks nothing of what it was sent.
            rows = [np.array(item.embedding, np.float32) for item in sorted(answer.data, key=lambda item: item.index)]
            return self._checked(rows, len(texts))
        except APIStatusError as error:
            passing = error.status_code in PASSING or error.status_code >= 500
            raise EmbeddingFailed(
                f"{self._said} answered {error.status_code}: {error.message}", passing=passing
            ) from error
        except APIConnectionError as error:
            raise EmbeddingFailed(f"{self._said} cannot be reached in time: {error}", passing=True) from error
        except (OpenAIError, AttributeError, TypeError, ValueError) as error:
            raise EmbeddingFailed(f"{self._said} gave no list of vectors: {error}", passing=True) from error

    def _checked(self, rows: list[NDArray[np.float32]], wanted: int) -> NDArray[np.float32]:
        if len(rows) != wanted:
            raise EmbeddingFailed(f"{self._said} gave {len(rows)} vectors for {wanted} texts", passing=True)
        if self._dimensions is None:
            self._dimensions = len(rows[0])
        if wrong := next((len(row) for row in rows if len(row) != self._dimensions), None):
            raise EmbeddingFailed(
                f"{self._said} gave a vector of {wrong} numbers where {self._dimensions} were expected. "
                "Check INGESTION_EMBEDDINGS_MODEL and INGESTION_EMBEDDINGS_DIMENSIONS.",
                passing=False,
            )
        vectors = np.stack(rows)
        if not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
            raise EmbeddingFailed(f"{self._said} gave a vector that is no direction (zero or not finite)", passing=True)
        return _unit(vectors)

    @property
    def _said(self) -> str:
        return f"The embedding model {self._model} at {self._client.base_url}"


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _sendable(text: str) -> str:
    """Half of a surrogate pair is no text that can be sent; and OpenAI refuses an empty one."""
    return text.encode("utf-8", "replace").decode() or " "
