"""Embedding passages: tokens a second beside the bare onnxruntime session on the same rows, already cut, sorted and padded."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from ingestion.minilm import (
    MiniLM,
    batches,
    open_session,
    open_tokenizer,
    padded,
    sentence_rows,
    threads_here,
)
from ingestion.weights import graph_file

SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.md"
ROUNDS = 5


def passages() -> list[str]:
    """Forty passages of about 250 tokens, a dozen sentences each."""
    words = SAMPLE.read_text(encoding="utf-8").split()
    return [" ".join((words * 2)[at : at + 180]) for at in range(0, 40 * 20, 20)]


async def main() -> None:
    texts = passages()
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        model = MiniLM(cache)
        vectors = await model.embed_passages(texts)  # loads the model; also says how many sentences there are
        tokenizer = open_tokenizer()
        rows = [row for text in texts for row in sentence_rows(tokenizer, text)]
        assert len(rows) == sum(len(part) for part in vectors)
        tokens = sum(map(len, rows))
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        prepared = [padded([rows[row] for row in batch]) for batch in batches(order, rows)]
        session = open_session(graph_file(cache), threads_here())
        ours, bare = [], []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            await model.embed_passages(texts)
            ours.append(tokens / (time.perf_counter() - started))
            started = time.perf_counter()
            for batch in prepared:
                session.run(None, batch)
            bare.append(tokens / (time.perf_counter() - started))
        await model.close()
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    print(
        f"embed_passages        {statistics.median(ours):7.0f} tokens/s   {len(texts) * statistics.median(ours) / tokens:.1f} passages/s   {ratio:.2f} of the bare session (bound 0.9)"
    )
    print(f"bare onnxruntime      {statistics.median(bare):7.0f} tokens/s   baseline")


if __name__ == "__main__":
    asyncio.run(main())
