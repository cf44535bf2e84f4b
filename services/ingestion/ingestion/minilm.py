"""all-MiniLM-L6-v2 on this machine's processor: no key, no network, no torch."""

import asyncio
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from typing import ClassVar

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it ships no types
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ingestion.sentences import sentences
from ingestion.settings import LOCAL_MODEL
from ingestion.weights import checked, graph_file
from ingestion.windows import windows

log = getLogger(__name__)

DIMENSIONS = 384
PASSAGE_WINDOW = 126
"""Word pieces; with the two marks 128, the length that the model was trained on (the README has what longer ones cost)."""
QUERY_WINDOW = 254
"""With the two marks 256, the most that the model reads."""
BATCH_TOKENS = 1024
"""Of what goes through the model at once: more is no faster, takes more memory, and lets a question wait longer."""
MOST_THREADS = 4
START, END = 101, 102

Tokens = list[int]


@dataclass(frozen=True, slots=True)
class _Model:
    session: onnxruntime.InferenceSession
    tokenizer: Tokenizer


class MiniLM:
    """An `Embedder`. Safe to share by tasks and event loops; questions do not queue behind passages."""

    name: ClassVar[str] = LOCAL_MODEL

    def __init__(self, cache: Path, *, threads: int | None = None) -> None:
        self._cache = cache
        self._threads = threads or threads_here()
        self._loading = threading.Lock()
        self._model: _Model | None = None
        self._passages = ThreadPoolExecutor(1, "embed-passages")
        self._questions = ThreadPoolExecutor(1, "embed-questions")

    async def dimensions(self) -> int:
        return DIMENSIONS

    async def embed_passages(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        return await asyncio.get_running_loop().run_in_executor(self._passages, self._embed_passages, list(texts))

    async def embed_query(self, text: str) -> NDArray[np.float32]:
        return await asyncio.get_running_loop().run_in_executor(self._questions, self._embed_query, text)

    async def close(self) -> None:
        """Let go of the model; what is being embedded is finished first."""
        for pool in (self._passages, self._questions):
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        self._model = None

    def _embed_passages(self, texts: list[str]) -> list[NDArray[np.float32]]:
        model = self._loaded()
        parts = [sentence_rows(model.tokenizer, text) for text in texts]
        vectors = forward(model.session, [tokens for part in parts for tokens in part])
        ends = np.cumsum([len(part) for part in parts])
        return np.split(vectors, ends[:-1]) if parts else []

    def _embed_query(self, text: str) -> NDArray[np.float32]:
        model = self._loaded()
        vectors = forward(model.session, token_windows(model.tokenizer, text, QUERY_WINDOW))
        # A question longer than the model reads is the mean of its windows; none of it is dropped.
        mean: NDArray[np.float32] = vectors.mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _loaded(self) -> _Model:
        with self._loading:
            if self._model is None:
                self._model = _Model(self._open_session(), open_tokenizer())
            return self._model

    def _open_session(self) -> onnxruntime.InferenceSession:
        path = graph_file(self._cache)
        try:
            return open_session(path, self._threads)
        except Exception as error:  # onnxruntime's own exceptions share no other base
            log.warning("the graph in %s cannot be read and is made again: %s", path, error)
            path.unlink(missing_ok=True)
            return open_session(graph_file(self._cache), self._threads)


def open_session(graph: Path, threads: int) -> onnxruntime.InferenceSession:
    """A session on `threads` of this machine's cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Else its threads keep looking for more work, on the cores that the rest of a search and PostgreSQL need.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def threads_here() -> int:
    """How many threads a session of ours takes on this machine."""
    return min(len(os.sched_getaffinity(0)), MOST_THREADS)


def open_tokenizer() -> Tokenizer:
    """The model's own, which neither drops nor pads."""
    tokenizer = Tokenizer.from_str(checked("tokenizer.json").read_text("utf-8"))
    # The file asks for 128 tokens and drops the rest: windows take its place.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def token_windows(tokenizer: Tokenizer, text: str, limit: int) -> list[Tokens]:
    """The text as rows for the model, each of at most `limit` word pieces between the two marks."""
    # Half of a surrogate pair, as JSON can bring it, is no text that a tokenizer takes.
    encoding = tokenizer.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False)
    return [[START, *encoding.ids[part], END] for part in windows(encoding.word_ids, limit)]


def sentence_rows(tokenizer: Tokenizer, text: str) -> list[Tokens]:
    """A passage as rows for the model: a sentence each, or a part of one where that is long."""
    return [row for one in sentences(text) for row in token_windows(tokenizer, one, PASSAGE_WINDOW)]


def forward(session: onnxruntime.InferenceSession, rows: Sequence[Tokens]) -> NDArray[np.float32]:
    """The vector of each row of tokens, in their order; those of like length go through the model together."""
    vectors = np.empty((len(rows), DIMENSIONS), np.float32)
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    for batch in batches(order, rows):
        (vectors[batch],) = session.run(None, padded([rows[row] for row in batch]))
    return vectors


def batches(order: Sequence[int], rows: Sequence[Tokens]) -> Iterator[list[int]]:
    """Rows that go through together; they come shortest first, so the last says how long all become."""
    batch: list[int] = []
    for row in order:
        if batch and (len(batch) + 1) * len(rows[row]) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def padded(rows: Sequence[Tokens]) -> dict[str, NDArray[np.int64]]:
    """Rows made equally long, and the mask that tells tokens from padding."""
    tokens = np.zeros((len(rows), max(map(len, rows))), np.int64)
    mask = np.zeros_like(tokens)
    for row, values in enumerate(rows):
        tokens[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return {"input_ids": tokens, "attention_mask": mask}
