"""`make quality`: how well search finds the passage that answers, and knows when none does; on a corpus with questions.

    CORPUS=path python tests/quality

The corpus is read, cut, embedded, indexed and searched by the code that students use. Beside it, on the same passages: one
vector a passage of its first 256 word pieces, as sentence-transformers would make it, and PostgreSQL's full text search.
"""

import asyncio
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from chassis.database import Database
from chassis.migrations import upgrade
from devstack.for_tests import TestServers
from devstack.places import temporary_home
from ingestion.app import MIGRATIONS
from ingestion.embedding import to_bytes
from ingestion.index import PassageIndex
from ingestion.minilm import END, QUERY_WINDOW, START, MiniLM, forward
from ingestion.models import SCHEMA, Document, Kind, Passage, tables
from ingestion.passages import Cutter
from ingestion.reading.children import Children
from ingestion.reading.limits import ReadingLimits
from ingestion.reading.reader import Reading
from ingestion.reading.running_lines import Body, bodies
from ingestion.search import ANSWERABLE_SCORES, LocalSearch, SearchQuery
from ingestion.settings import Settings
from sqlalchemy import text

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("CORPUS") or ROOT.parent / "shared" / "corpus")
OWNER = uuid4()
DEPTH = 10
NOW = datetime(2026, 11, 20, tzinfo=UTC)
FULL_TEXT = text("""
    WITH question AS (SELECT replace(plainto_tsquery('english', :query)::text, '&', '|')::tsquery AS words)
    SELECT id, ts_rank(to_tsvector('english', text), words, 1) AS score FROM passage, question
    WHERE to_tsvector('english', text) @@ words ORDER BY score DESC LIMIT 10
""")

Result = dict[str, Any]
Run = list[Result]


def scorer() -> ModuleType:
    """The corpus' own score.py."""
    spec = importlib.util.spec_from_file_location("score", CORPUS / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def read(children: Children, cutter: Cutter, file: Path) -> list[Passage]:
    """A document's passages, as a worker cuts them."""
    document, kind = uuid4(), Kind(file.suffix[1:])
    passages: list[Passage] = []
    paged = False
    async with aclosing(Reading(children, str(file), kind).parts()) as parts, aclosing(bodies(parts)) as found:
        async for body in found:
            if not isinstance(body, Body):
                paged = body.has_pages
                continue
            for piece in cutter.cut(body.part.text or "", body.start, body.end, markdown=kind is Kind.MARKDOWN):
                passages.append(
                    Passage(
                        document_id=document,
                        user_id=OWNER,
                        content_version=1,
                        page=body.part.number if paged else None,
                        part=body.part.number,
                        chunk_index=len(passages),
                        start=piece.start,
                        end=piece.end,
                        text=piece.text,
                    )
                )
    return passages


async def store(database: Database, model: MiniLM, file: Path, passages: list[Passage]) -> None:
    """The rows that a worker leaves."""
    vectors = await model.embed_passages([passage.text for passage in passages])
    for passage, one in zip(passages, vectors, strict=True):
        passage.embedding, passage.embedding_model = to_bytes(one), model.name
    document = Document(
        id=passages[0].document_id,
        user_id=OWNER,
        title=file.name,
        filename=file.name,
        kind=Kind(file.suffix[1:]),
        size=1,
        sha256=file.name.encode(),
        storage_key=file.name,
        due_at=NOW,
        created_at=NOW,
        updated_at=NOW,
    )
    async with database.transaction() as session:
        session.add(document)
        await session.flush()
        session.add_all(passages)


def result(file: str, passage: Passage, score: float) -> Result:
    return {"document": file, "page": passage.page, "quote": passage.text, "score": score}


async def product(
    database: Database, model: MiniLM, folder: Path, questions: Sequence[Result]
) -> tuple[Run, list[bool]]:
    """What `POST /search` answers."""
    index = PassageIndex(Settings(environment="test", data_dir=folder), database, model)
    stop = asyncio.Event()
    role = asyncio.create_task(index.run(stop))
    async with asyncio.timeout(120):
        while not (index._served and index._served[0].complete):  # noqa: ASYNC110 (no event tells it)
            await asyncio.sleep(0.1)
    search = LocalSearch(database, index)
    run, verdicts = [], []
    for question in questions:
        answer = await search.find(SearchQuery(query=question["question"], limit=DEPTH), owner=OWNER)
        found = [
            {"document": each.document_title, "page": each.page, "quote": each.quote, "score": each.score}
            for each in answer.passages
        ]
        run.append({"id": question["id"], "results": found})
        verdicts.append(answer.answerable)
    stop.set()
    await role
    await index.close()
    return run, verdicts


def one_vector_each(model: MiniLM, passages: Sequence[tuple[str, Passage]], questions: Sequence[Result]) -> Run:
    """The model as it is usually called: what is beyond 256 word pieces is not read."""
    loaded = model._loaded()

    def embed(texts: Iterable[str]) -> Any:
        encoded = (loaded.tokenizer.encode(one, add_special_tokens=False).ids for one in texts)
        return forward(loaded.session, [[START, *ids[:QUERY_WINDOW], END] for ids in encoded])

    scores = embed(q["question"] for q in questions) @ embed(passage.text for _, passage in passages).T
    best = np.argsort(-scores, axis=1)[:, :DEPTH]
    return [
        {"id": q["id"], "results": [result(*passages[int(i)], float(scores[n, i])) for i in best[n]]}
        for n, q in enumerate(questions)
    ]


async def full_text(database: Database, passages: Sequence[tuple[str, Passage]], questions: Sequence[Result]) -> Run:
    """PostgreSQL's `ts_rank`, any of the words."""
    by_id: dict[UUID, tuple[str, Passage]] = {passage.id: (file, passage) for file, passage in passages}
    run = []
    async with database.transaction() as session:
        for question in questions:
            rows = await session.execute(FULL_TEXT, {"query": question["question"]})
            run.append({"id": question["id"], "results": [result(*by_id[row.id], row.score) for row in rows]})
    return run


def show(name: str, score: ModuleType, questions: Sequence[Result], run: Run, sections: Any) -> None:
    table, auc = score.score(questions, run, sections)
    place, document, sentence = (table[level] for level in ("page or section", "document", "sentence in passage"))
    figures = (place[1], place[2], place[3], document[1], sentence[2], auc)
    print(f"{name:42}" + "".join(f"{figure:>9.3f}" for figure in figures), flush=True)


async def main() -> int:
    if not (CORPUS / "retrieval").is_dir():
        print(f"no corpus in {CORPUS}: name one with CORPUS=path", file=sys.stderr)
        return 1
    score = scorer()
    questions = score.read_jsonl(CORPUS / "retrieval" / "questions.jsonl")
    sections = score.Sections(score.read_jsonl(CORPUS / "retrieval" / "sections.jsonl"))
    home = temporary_home()
    servers = TestServers(home, os.getpid(), "main")
    try:
        with servers.database() as url, tempfile.TemporaryDirectory() as folder:
            await measure(url, Path(folder), score, questions, sections)
    finally:
        servers.disconnect()
        servers.end()
    return 0


async def measure(url: str, folder: Path, score: ModuleType, questions: Sequence[Result], sections: Any) -> None:
    database = Database(url, schema=SCHEMA)
    await upgrade(database, MIGRATIONS, tables.metadata)
    model = MiniLM(folder)
    passages: list[tuple[str, Passage]] = []
    async with Children(ReadingLimits()) as children:
        cutter = Cutter()
        for file in sorted((CORPUS / "retrieval" / "documents").iterdir()):
            cut = await read(children, cutter, file)
            await store(database, model, file, cut)
            passages += ((file.name, passage) for passage in cut)
    print(f"{len(questions)} questions, {len(passages)} passages, {model.name}\n")
    print(f"{'':42}" + "".join(f"{h:>9}" for h in ("recall@1", "recall@5", "MRR@10", "doc@1", "sent@5", "AUC")))
    found, verdicts = await product(database, model, folder, questions)
    show("search", score, questions, found, sections)
    show("MiniLM, one vector of the first 256", score, questions, one_vector_each(model, passages, questions), sections)
    show("PostgreSQL ts_rank", score, questions, await full_text(database, passages, questions), sections)
    kept = [verdict for verdict, q in zip(verdicts, questions, strict=True) if q["gold"]]
    refused = [not verdict for verdict, q in zip(verdicts, questions, strict=True) if not q["gold"]]
    least = ANSWERABLE_SCORES[model.name]
    print(
        f"\nanswerable at a cosine of {least}: {np.mean(kept):.3f} of the answerable kept, {np.mean(refused):.3f} of the others refused"
    )
    if (results := os.environ.get("RESULTS")) is not None:
        Path(results).write_text("".join(json.dumps(row) + "\n" for row in found))
    await database.close()
    await model.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
