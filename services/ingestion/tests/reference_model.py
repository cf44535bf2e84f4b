"""all-MiniLM-L6-v2 once more, in plain numpy from the published architecture (BERT), to compare the graph with."""

from math import erf

import numpy as np
from ingestion.weights import weights_file
from numpy.typing import NDArray
from safetensors.numpy import load_file

Array = NDArray[np.float64]


class ReferenceModel:
    """One text at a time, without padding, in double precision."""

    def __init__(self) -> None:
        stored = load_file(weights_file("model.safetensors"))
        self._weights = {name: value.astype(np.float64) for name, value in stored.items()}

    def embed(self, tokens: list[int]) -> Array:
        """The unit vector of the tokens, marks included."""
        hidden = self._embeddings(tokens)
        for layer in range(6):
            hidden = self._layer(hidden, f"encoder.layer.{layer}")
        mean: Array = hidden.mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _embeddings(self, tokens: list[int]) -> Array:
        name = "embeddings.{}_embeddings.weight"
        words = self._weights[name.format("word")][tokens]
        places = self._weights[name.format("position")][: len(tokens)]
        return self._normed(words + places + self._weights[name.format("token_type")][0], "embeddings.LayerNorm")

    def _layer(self, x: Array, name: str) -> Array:
        query, key, value = (
            self._heads(self._linear(x, f"{name}.attention.self.{n}")) for n in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(32)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        seen = (weights / weights.sum(axis=-1, keepdims=True)) @ value
        joined = seen.transpose(1, 0, 2).reshape(len(x), 384)
        x = self._normed(
            x + self._linear(joined, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm"
        )
        inner = self._linear(x, f"{name}.intermediate.dense")
        gelu = inner * 0.5 * (1 + np.vectorize(erf)(inner / np.sqrt(2)))
        return self._normed(x + self._linear(gelu, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _heads(self, x: Array) -> Array:
        return x.reshape(len(x), 12, 32).transpose(1, 0, 2)

    def _linear(self, x: Array, name: str) -> Array:
        result: Array = x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return result

    def _normed(self, x: Array, name: str) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        result: Array = scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return result
