"""The same questions asked of search and of what it is compared with, over the same passages."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import numpy as np
from ingestion.embedding import Vectors, from_bytes
from ingestion.minilm import DIMENSIONS, END, QUERY_WINDOW, START, forward
from ingestion.models import Passage
from ingestion.ranking import nearest
from ingestion.search import SearchQuery
from sqlalchemy import text

from .corpora import Question, Result
from .library import Shelved
from .scoring import DEPTH, Run

FULL_TEXT = text("""
    WITH question AS (SELECT replace(plainto_tsquery('english', :query)::text, '&', '|')::tsquery AS words)
    SELECT id, ts_rank(to_tsvector('english', text), words, 1) AS score FROM passage, question
    WHERE user_id = :owner AND to_tsvector('english', text) @@ words ORDER BY score DESC LIMIT 10
""")


async def search(here: Shelved, questions: Sequence[Question]) -> tuple[Run, list[bool]]:
    """What `POST /search` answers, and whether it holds the question for answerable."""
    answers = [await here.search.find(SearchQuery(query=q.text, limit=DEPTH), owner=here.owner) for q in questions]
    run = [[Result(p.document_title, p.page, p.quote, p.score) for p in answer.passages] for answer in answers]
    return run, [answer.answerable for answer in answers]


async def words_alone(here: Shelved, questions: Sequence[Question]) -> Run:
    """BM25, as search has it."""
    by_id = _by_id(here)
    run = []
    for question in questions:
        hits = await (await here.index.ask(question.text)).worded(here.owner, None, limit=DEPTH)
        run.append([here.result(by_id[hit.passage_id], hit.score) for hit in hits])
    return run


async def meaning_alone(here: Shelved, questions: Sequence[Question]) -> Run:
    """The cosine of the nearest sentence, over all passages."""
    vectors = [from_bytes(passage.embedding or b"", DIMENSIONS) for _, passage in here.passages]
    run = []
    for question in questions:
        asked = await here.model.embed_query(question.text)
        scores = np.array([nearest(asked, one) for one in vectors])
        run.append([here.result(here.passages[i], scores[i]) for i in np.argsort(-scores, kind="stable")[:DEPTH]])
    return run


async def one_vector_each(here: Shelved, questions: Sequence[Question]) -> Run:
    """The model as it is usually called: what is beyond 256 word pieces is not read."""
    loaded = here.model._loaded()

    def embed(texts: Iterable[str]) -> Vectors:
        encoded = (loaded.tokenizer.encode(one, add_special_tokens=False).ids for one in texts)
        return forward(loaded.session, [[START, *ids[:QUERY_WINDOW], END] for ids in encoded])

    scores = embed(q.text for q in questions) @ embed(passage.text for _, passage in here.passages).T
    best = np.argsort(-scores, axis=1)[:, :DEPTH]
    return [[here.result(here.passages[i], float(scores[n, i])) for i in best[n]] for n in range(len(questions))]


async def full_text(here: Shelved, questions: Sequence[Question]) -> Run:
    """PostgreSQL's `ts_rank`, any of the words."""
    by_id = _by_id(here)
    run = []
    async with here.database.transaction() as session:
        for question in questions:
            rows = await session.execute(FULL_TEXT, {"query": question.text, "owner": here.owner})
            run.append([here.result(by_id[row.id], row.score) for row in rows])
    return run


def _by_id(here: Shelved) -> dict[UUID, tuple[str, Passage]]:
    return {passage.id: (file, passage) for file, passage in here.passages}
