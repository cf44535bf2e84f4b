"""What other services ask for: passages of everything, and how near texts are; each student's own."""

from random import Random
from uuid import UUID, uuid4

import httpx
import pytest
from chassis.database import Database
from chassis.errors import Unavailable
from fastapi import FastAPI, Header
from hypothesis import given
from hypothesis import strategies as st
from ingestion.likeness import LikenessAnswer, LikenessQuery, LocalLikeness, RemoteLikeness
from ingestion.sampling import SampleQuery, sample, spread
from sqlalchemy import text

from .indexed import Words, add_document
from .service_under_test import Service

OWNER = uuid4()


async def drawn(database: Database, seed: str = "s", owner: UUID = OWNER, **fields: object) -> list[str]:
    async with database.transaction() as session:
        found = await sample(session, owner, SampleQuery.model_validate({"seed": seed} | fields))
    return sorted(passage.quote for passage in found.passages)


async def known(database: Database) -> None:
    """The number of passages that a worker keeps with a document."""
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE document d SET passages = (SELECT count(*) FROM passage p WHERE p.document_id = d.id)")
        )


async def test_sample_is_spread_over_documents_and_over_the_pages_of_each(database: Database) -> None:
    long = await add_document(database, OWNER, Words(), *(f"long {i:02}" for i in range(40)))
    await add_document(database, OWNER, Words(), "short 1", "short 2")
    await add_document(database, uuid4(), Words(), "a secret")
    await known(database)
    found = await drawn(database, limit=6)
    assert found[-2:] == ["short 1", "short 2"]
    places = [int(quote.split()[1]) for quote in found[:-2]]
    assert [place // 10 for place in places] == [0, 1, 2, 3]
    assert await drawn(database, limit=6) == found
    assert await drawn(database, "other", limit=6) != found
    assert all(quote.startswith("long") for quote in await drawn(database, document_ids=[str(long)], limit=9))


async def test_small_material_is_drawn_whole_and_no_material_is_nothing(database: Database) -> None:
    await add_document(database, OWNER, Words(), "one", "two")
    theirs = await add_document(database, uuid4(), Words(), "a secret")
    await known(database)
    assert await drawn(database, limit=50) == ["one", "two"]
    assert await drawn(database, document_ids=[str(theirs)]) == []
    assert await drawn(database, owner=uuid4()) == []


async def test_passages_of_an_older_reading_are_not_drawn(database: Database) -> None:
    await add_document(database, OWNER, Words(), "old")
    await known(database)
    async with database.transaction() as session:
        await session.execute(text("UPDATE document SET content_version = 2"))
    assert await drawn(database) == []


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(1, 50), st.integers())
def test_places_are_distinct_and_as_many_as_there_can_be(counts: list[int], limit: int, seed: int) -> None:
    documents = {UUID(int=number): count for number, count in enumerate(counts)}
    places = spread(documents, limit, Random(seed))
    assert len(set(places)) == len(places)
    assert all(0 <= place < documents[document] for document, place in places)
    assert len({document for document, _ in places}) == min(limit, len(counts))
    assert len(counts) > limit or len(places) == min(limit, sum(counts))


async def test_likeness_is_the_cosine_of_the_searching_model() -> None:
    answer = await LocalLikeness(Words()).compare(LikenessQuery(text="a cell", others=["a cell", "an army marches"]))
    assert answer.cosines[0] == pytest.approx(1.0, abs=1e-5)
    assert answer.cosines[1] < 0.5


async def test_model_that_fails_makes_comparing_unavailable() -> None:
    words = Words()
    words.failing = True
    with pytest.raises(Unavailable):
        await LocalLikeness(words).compare(LikenessQuery(text="a", others=["b"]))
    remote = RemoteLikeness("http://127.0.0.1:1")
    with pytest.raises(Unavailable):
        await remote.compare(LikenessQuery(text="a", others=["b"]), token="t")
    await remote.close()


async def test_process_with_the_model_is_asked_with_the_callers_token() -> None:
    app = FastAPI()

    @app.post("/internal/likeness")
    async def answer(query: LikenessQuery, authorization: str = Header()) -> LikenessAnswer:
        assert (query.text, query.others, authorization) == ("a", ["b"], "Bearer t")
        return LikenessAnswer(model="m", cosines=[0.5])

    remote = RemoteLikeness("http://index/", httpx.AsyncClient(transport=httpx.ASGITransport(app)))
    assert (await remote.compare(LikenessQuery(text=" a ", others=["b"]), token="t")).cosines == [0.5]
    await remote.close()


async def test_both_are_for_services_that_act_for_a_student(service: Service) -> None:
    ada = service.student()
    assert (await ada.request("POST", "/sample", json={"seed": "s"})).json() == {"passages": []}
    compared = await ada.request("POST", "/likeness", json={"text": "a", "others": ["a"]})
    assert compared.json()["cosines"] == [pytest.approx(1.0, abs=1e-5)]
    for path, body in (("/sample", {"seed": "s"}), ("/likeness", {"text": "a", "others": ["a"]})):
        assert (await service.client.post(path, json=body)).status_code == 401
        assert path not in service.app.openapi()["paths"]
