"""`make quality`: how well search finds the passage that answers, and knows when none does.

    CORPUS=path python -m tests.quality

Documents are read, cut, embedded, indexed and searched by the code that students use. Beside it, on the same passages: BM25
alone, the nearest sentence alone, one vector a passage as sentence-transformers would make it, and PostgreSQL's full text search.
Measured on our own few texts, and on the corpus beside the repository where that is.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from chassis.database import Database
from chassis.migrations import upgrade
from devstack.for_tests import TestServers
from devstack.places import temporary_home
from ingestion.app import MIGRATIONS
from ingestion.models import SCHEMA, tables
from ingestion.search import ANSWERABLE_SCORES

from . import runs, tutor
from .corpora import Corpus, ours, shared
from .library import Shelved, shelved
from .scoring import Figures, Run, figures, separation

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("CORPUS") or ROOT.parent / "shared" / "corpus")
HEADS = ("recall@1", "recall@5", "MRR@10", "AUC")


async def main() -> int:
    corpora = [ours()]
    if (CORPUS / "retrieval").is_dir():
        corpora.append(shared(CORPUS))
    else:
        print(f"no corpus in {CORPUS} (CORPUS=path names one): our own texts alone\n", file=sys.stderr)
    home = temporary_home()
    servers = TestServers(home, os.getpid(), "main")
    try:
        with servers.database() as url, tempfile.TemporaryDirectory() as folder:
            database = Database(url, schema=SCHEMA)
            await upgrade(database, MIGRATIONS, tables.metadata)
            for corpus in corpora:
                async with shelved(database, Path(folder), corpus.files) as here:
                    await measure(corpus, here)
            await database.close()
    finally:
        servers.disconnect()
        servers.end()
    return 0


async def measure(corpus: Corpus, here: Shelved) -> None:
    name, questions = here.model.name, corpus.questions
    print(f"── {corpus.name}: {len(questions)} questions, {len(here.passages)} passages, {name}\n")
    print(f"{'':42}" + "".join(f"{head:>10}" for head in HEADS))
    found, verdicts = await runs.search(here, questions)
    show("search", corpus, found)
    show("BM25 alone", corpus, await runs.words_alone(here, questions))
    show("nearest sentence alone", corpus, await runs.meaning_alone(here, questions))
    show("MiniLM, one vector of the first 256", corpus, await runs.one_vector_each(here, questions))
    show("PostgreSQL ts_rank", corpus, await runs.full_text(here, questions))
    books = sorted({question.book for question in questions if question.book})
    for book in books:
        of_book = figures(corpus, found, book)
        print(f"{f'search: {book}, {of_book.questions} questions':42}{_row(of_book)}")
    refusals(name, corpus, verdicts)
    await tutor.show(corpus, here)
    if (results := os.environ.get("RESULTS")) is not None:
        pairs = zip(questions, found, strict=True)
        rows = ({"question": q.text, "book": q.book, "results": [asdict(one) for one in each]} for q, each in pairs)
        with Path(results).open("a") as lines:  # noqa: ASYNC230 (nothing else runs)
            lines.writelines(json.dumps(row) + "\n" for row in rows)


def show(name: str, corpus: Corpus, run: Run) -> None:
    print(f"{name:42}{_row(figures(corpus, run))}{separation(corpus, run):>10.3f}", flush=True)


def refusals(model: str, corpus: Corpus, verdicts: Sequence[bool]) -> None:
    pairs = list(zip(verdicts, corpus.questions, strict=True))
    kept = np.mean([verdict for verdict, question in pairs if question.book])
    refused = np.mean([not verdict for verdict, question in pairs if not question.book])
    print(
        f"\nanswerable at a cosine of {ANSWERABLE_SCORES[model]}: {kept:.3f} of the answerable kept, {refused:.3f} of the others refused\n"
    )


def _row(these: Figures) -> str:
    return f"{these.recall_1:>10.3f}{these.recall_5:>10.3f}{these.mrr:>10.3f}"


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
