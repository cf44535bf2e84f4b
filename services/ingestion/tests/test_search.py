"""Search: whose passages, which of them still count, how many, and whether they answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
from chassis.database import Database
from chassis.errors import Invalid, Problem, TooLarge, Unavailable
from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse
from ingestion.embedding import to_bytes
from ingestion.index import PassageIndex, Question
from ingestion.search import LocalSearch, RemoteSearch, SearchAnswer, SearchQuery
from ingestion.vectors import Hit
from ingestion.words import question_words
from pydantic import ValidationError
from sqlalchemy import text

from .indexed import Student, Words, add_document, running, settings_in

OWNER = uuid4()


class Stale:
    """An index that says whatever it was told, dead passages and other people's among it."""

    def __init__(
        self, near: list[UUID], worded: Sequence[UUID] = (), *, model: str = "another", score: float = 0.9
    ) -> None:
        self._near = [Hit(passage_id, score - place / 1e6) for place, passage_id in enumerate(near)]
        self._worded = [Hit(passage_id, 12.0) for passage_id in worded]
        self._model = model
        self.asked: list[int] = []

    async def ask(self, text: str) -> Question:
        shelf: Any = self
        return Question(shelf, await Words().embed_query(text), question_words(text), self._model, True)

    async def search(self, _: object, *, limit: int, **__: object) -> list[Hit]:
        self.asked.append(limit)
        return self._near[:limit]

    async def search_words(self, _: object, *, limit: int, **__: object) -> list[Hit]:
        return self._worded[:limit]


def search_over(database: Database, stale: Stale, **options: Any) -> LocalSearch:
    index: Any = stale
    return LocalSearch(database, index, **options)


async def ids(database: Database) -> list[UUID]:
    async with database.transaction() as session:
        return list((await session.execute(text("SELECT id FROM passage ORDER BY chunk_index"))).scalars())


async def test_hits_whose_passages_are_gone_make_room_for_the_next(database: Database) -> None:
    await add_document(database, OWNER, Words(), *(f"text {i}" for i in range(8)))
    live = await ids(database)
    stale = Stale([*(uuid4() for _ in range(100)), *live])
    answer = await search_over(database, stale).find(SearchQuery(query="text", limit=5), owner=OWNER)
    assert [passage.passage_id for passage in answer.passages] == live[:5]
    assert stale.asked == [30, 60, 120]


async def test_passages_found_by_words_alone_take_part(database: Database) -> None:
    await add_document(database, OWNER, Words(), "cells divide", "rivers flow", "stars shine")
    first, second, third = await ids(database)
    stale = Stale([first, second], [third, uuid4()], model="words")
    answer = await search_over(database, stale).find(SearchQuery(query="stars"), owner=OWNER)
    assert answer.passages[0].passage_id == third
    assert {passage.passage_id for passage in answer.passages} == {first, second, third}


async def test_the_score_is_the_cosine_of_the_nearest_sentence(database: Database) -> None:
    words = Words()
    document = await add_document(database, OWNER, words, "unread")
    sentences = [await words.embed_query(one) for one in ("rivers flow", "cells divide")]
    async with database.transaction() as session:
        await session.execute(text("UPDATE passage SET embedding = :it"), {"it": to_bytes(np.stack(sentences))})
    stale = Stale(await ids(database), model="words", score=0.1)
    (passage,) = (await search_over(database, stale).find(SearchQuery(query="cells divide"), owner=OWNER)).passages
    assert passage.document_id == document
    assert passage.score == pytest.approx(1, abs=0.01)


async def test_an_index_full_of_the_dead_is_not_asked_for_ever(database: Database) -> None:
    stale = Stale([uuid4() for _ in range(10_000)])
    answer = await search_over(database, stale).find(SearchQuery(query="text"), owner=OWNER)
    assert answer.passages == []
    assert sum(stale.asked) < 6000


async def test_an_index_that_is_wrong_about_the_owner_gives_nothing_away(database: Database) -> None:
    await add_document(database, uuid4(), Words(), "a secret")
    stale = Stale(await ids(database))
    answer = await search_over(database, stale).find(SearchQuery(query="secret"), owner=OWNER)
    assert (answer.passages, answer.answerable) == ([], False)


async def test_a_passage_of_an_older_reading_does_not_count(database: Database) -> None:
    await add_document(database, OWNER, Words(), "a text")
    async with database.transaction() as session:
        await session.execute(text("UPDATE document SET content_version = 2"))
    stale = Stale(await ids(database))
    assert (await search_over(database, stale).find(SearchQuery(query="text"), owner=OWNER)).passages == []


async def test_a_passage_comes_with_its_document_and_its_exact_text(database: Database) -> None:
    document = await add_document(database, OWNER, Words(), "A text\nof two lines")
    stale = Stale(await ids(database), score=1.0000001)
    (passage,) = (await search_over(database, stale).find(SearchQuery(query="text"), owner=OWNER)).passages
    assert (passage.document_id, passage.document_title, passage.quote) == (document, "Notes", "A text\nof two lines")
    assert (passage.start, passage.end, passage.page, passage.part, passage.score) == (0, 19, None, 1, 1.0)


@pytest.mark.parametrize(
    ("model", "score", "least", "answerable"),
    [
        ("all-MiniLM-L6-v2", 0.9, None, True),
        ("all-MiniLM-L6-v2", 0.2, None, False),
        ("all-MiniLM-L6-v2", 0.2, 0.1, True),
        ("never-measured", 0.2, None, True),
        ("never-measured", 0.2, 0.3, False),
    ],
)
async def test_far_passages_are_no_answer(
    database: Database, model: str, score: float, least: float | None, *, answerable: bool
) -> None:
    await add_document(database, OWNER, Words(), "a text")
    stale = Stale(await ids(database), model=model, score=score)
    answer = await search_over(database, stale, least_score=least).find(SearchQuery(query="text"), owner=OWNER)
    assert answer.answerable is answerable
    assert len(answer.passages) == 1


async def test_two_students_search_in_their_own(database: Database, tmp_path: Path) -> None:
    words = Words()
    index = PassageIndex(settings_in(tmp_path), database, words)
    async with running(index):
        ann, bob = Student(database, index), Student(database, index)
        first = await add_document(database, ann.id, words, "cells divide")
        await add_document(database, ann.id, words, "cells grow")
        theirs = await add_document(database, bob.id, words, "cells rest")
        await ann.comes_to_find("cells divide", "cells divide", "cells grow")
        await bob.comes_to_find("cells divide", "cells rest")
        assert await ann.texts("cells", document_ids=[first]) == ["cells divide"]
        assert await ann.texts("cells", document_ids=[theirs]) == []
        assert await ann.texts("cells", limit=1) in (["cells divide"], ["cells grow"])


@pytest.mark.parametrize(
    ("query", "kind"),
    [("", Invalid), (" \n\t ", Invalid), ("x" * 8001, TooLarge), ("x" * 1_000_000, TooLarge)],
)
def test_a_query_without_words_or_without_end_is_refused(query: str, kind: type[Problem]) -> None:
    with pytest.raises(kind):
        _ = SearchQuery(query=query).text


@pytest.mark.parametrize("fields", [{"limit": 0}, {"limit": 51}, {"document_ids": []}, {"document_ids": ["no id"]}])
def test_limits_are_held(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SearchQuery.model_validate({"query": "cells"} | fields)


def remote_over(app: FastAPI) -> RemoteSearch:
    return RemoteSearch("http://index/", httpx.AsyncClient(transport=httpx.ASGITransport(app)))


async def test_another_process_is_asked_with_the_callers_token() -> None:
    app = FastAPI()

    @app.post("/internal/search")
    async def answer(query: SearchQuery, authorization: str = Header()) -> SearchAnswer:
        assert (query.query, query.limit, authorization) == ("cells", 3, "Bearer t")
        return SearchAnswer(passages=[], answerable=True)

    remote = remote_over(app)
    found = await remote.find(SearchQuery(query=" cells ", limit=3), owner=OWNER, token="t")
    assert found.answerable
    with pytest.raises(Invalid):
        await remote.find(SearchQuery(query=" "), owner=OWNER, token="t")
    await remote.close()


@pytest.mark.parametrize(("status", "kind"), [(422, Invalid), (413, TooLarge), (503, Unavailable), (401, Unavailable)])
async def test_what_another_process_refuses_is_passed_on(status: int, kind: type[Problem]) -> None:
    app = FastAPI()

    @app.post("/internal/search")
    async def refuse() -> JSONResponse:
        return JSONResponse({"detail": "said so"}, status_code=status)

    remote = remote_over(app)
    with pytest.raises(kind):
        await remote.find(SearchQuery(query="cells"), owner=OWNER, token="t")
    await remote.close()


async def test_a_process_that_is_down_makes_search_unavailable() -> None:
    remote = RemoteSearch("http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="cannot be reached"):
        await remote.find(SearchQuery(query="cells"), owner=OWNER, token="t")
    await remote.close()


async def test_an_engine_that_fails_makes_search_unavailable(database: Database) -> None:
    class Broken(Stale):
        async def search(self, _: object, **__: object) -> list[Hit]:
            raise OSError

    with pytest.raises(Unavailable):
        await search_over(database, Broken([])).find(SearchQuery(query="cells"), owner=OWNER)
