"""Search on our own texts stays good. The floors lie well below what it reaches, and above what its parts reach alone."""

from pathlib import Path

import pytest
from chassis.database import Database
from chassis.migrations import upgrade
from ingestion.app import MIGRATIONS
from ingestion.models import SCHEMA, tables

from . import runs
from .corpora import ours
from .library import shelved
from .scoring import figures, separation


@pytest.mark.timeout(180)
async def test_search_finds_what_answers_and_knows_when_nothing_does(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url, schema=SCHEMA)
    await upgrade(database, MIGRATIONS, tables.metadata)
    corpus = ours()
    async with shelved(database, tmp_path, corpus.files) as here:
        found, verdicts = await runs.search(here, corpus.questions)
        words = await runs.words_alone(here, corpus.questions)
    await database.close()
    reached = figures(corpus, found)
    assert reached.recall_1 >= 0.7
    assert reached.recall_5 >= 0.9
    assert reached.mrr > figures(corpus, words).mrr - 0.02
    assert separation(corpus, found) >= 0.85
    right = [verdict == bool(q.book) for verdict, q in zip(verdicts, corpus.questions, strict=True)]
    assert sum(right) / len(right) >= 0.75
