"""One behaviour, every engine: the embedded one, Qdrant's client, and a Qdrant server where QDRANT_URL names one."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from ingestion.edge_vectors import EdgeLibrary
from ingestion.qdrant_vectors import QdrantLibrary
from ingestion.vectors import Library, LibraryTaken, PassageVectors, Progress, Shelf
from ingestion.words import passage_words, question_words
from qdrant_client import AsyncQdrantClient

pytestmark = pytest.mark.filterwarnings("ignore:.*(Payload indexes|Local mode|Api key).*:UserWarning")
ANN, BOB = uuid4(), uuid4()
ROUNDED = 3e-3
"""By how much a cosine may be off, as a shelf keeps vectors: eight dimensions average out less than the 384 of real ones (0.0015)."""
PROGRESS = Progress(model="words", dimensions=8, rebuild=0)


def axis(*numbers: int) -> np.ndarray:
    """The unit vector between some of eight axes."""
    vector = np.zeros(8, np.float32)
    vector[list(numbers)] = 1
    return vector / np.linalg.norm(vector)


def passage(
    vector: np.ndarray, text: str = "", *, user: UUID = ANN, document: UUID | None = None, version: int = 1
) -> PassageVectors:
    unit = (vector / np.linalg.norm(vector)).astype(np.float32)
    return PassageVectors(uuid4(), user, document or uuid4(), version, 0, None, unit, passage_words(text))


def engines() -> list[str]:
    return ["edge", "client", *(["server"] if os.environ.get("QDRANT_URL") else [])]


def open_library(engine: str, folder: Path) -> Library:
    if engine == "edge":
        return EdgeLibrary(folder)
    if engine == "client":
        return QdrantLibrary(AsyncQdrantClient(location=":memory:"))
    return QdrantLibrary(AsyncQdrantClient(url=os.environ["QDRANT_URL"], api_key=os.environ.get("QDRANT_API_KEY")))


@pytest.fixture(params=engines())
async def library(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Library]:
    library = open_library(request.param, tmp_path / "vectors")
    await library.open()
    yield library
    for shelf in await library.shelves():
        await library.remove(shelf.name)
    await library.close()


@pytest.fixture
async def shelf(library: Library) -> Shelf:
    return await library.create(PROGRESS)


async def found(shelf: Shelf, vector: np.ndarray, user: UUID = ANN, limit: int = 10, **options: Any) -> list[UUID]:
    hits = await shelf.search(vector, user_id=user, limit=limit, **options)
    return [hit.passage_id for hit in hits]


async def worded(shelf: Shelf, text: str, user: UUID = ANN, limit: int = 10, **options: Any) -> list[UUID]:
    hits = await shelf.search_words(question_words(text), user_id=user, limit=limit, **options)
    return [hit.passage_id for hit in hits]


async def test_the_nearest_comes_first_with_its_cosine(shelf: Shelf) -> None:
    near, far = passage(axis(0, 1)), passage(axis(5))
    await shelf.upsert([far, near])
    hits = await shelf.search(axis(0), user_id=ANN, limit=2)
    assert [hit.passage_id for hit in hits] == [near.passage_id, far.passage_id]
    assert [hit.score for hit in hits] == pytest.approx([np.sqrt(0.5), 0], abs=ROUNDED)


async def test_what_is_rounded_of_vectors_misplaces_only_what_is_as_near(library: Library) -> None:
    shelf = await library.create(replace(PROGRESS, dimensions=384))
    noise = np.random.default_rng(1)
    passages = [passage(vector) for vector in noise.standard_normal((1000, 384))]
    await shelf.upsert(passages)
    for question in (passage(vector).vector for vector in noise.standard_normal((10, 384))):
        cosines = {one.passage_id: float(one.vector @ question) for one in passages}
        hits = await shelf.search(question, user_id=ANN, limit=30)
        assert [hit.score for hit in hits] == pytest.approx([cosines[hit.passage_id] for hit in hits], abs=ROUNDED)
        thirtieth = sorted(cosines.values())[-30]
        assert len(hits) == 30
        assert min(cosines[hit.passage_id] for hit in hits) > thirtieth - ROUNDED


async def test_nobody_finds_what_is_anothers(shelf: Shelf) -> None:
    document = uuid4()
    mine, theirs = passage(axis(0), document=document), passage(axis(0), user=BOB, document=document)
    await shelf.upsert([mine, theirs])
    assert await found(shelf, axis(0)) == [mine.passage_id]
    assert await found(shelf, axis(0), user=BOB, document_ids=[document]) == [theirs.passage_id]
    assert await found(shelf, axis(0), user=uuid4()) == []


async def test_named_documents_alone_are_searched(shelf: Shelf) -> None:
    first, second, third = (passage(axis(0)) for _ in range(3))
    await shelf.upsert([first, second, third])
    wanted = {first.document_id, third.document_id}
    assert set(await found(shelf, axis(0), document_ids=wanted)) == {first.passage_id, third.passage_id}
    assert await found(shelf, axis(0), document_ids=[uuid4()]) == []


async def test_no_more_come_than_were_asked_for_and_those_are_the_best(shelf: Shelf) -> None:
    passages = [passage(axis(0) * (10 - i) / 10 + axis(1) * i / 10, "cell " * (10 - i)) for i in range(10)]
    await shelf.upsert(passages)
    order = [each.passage_id for each in passages]
    assert await found(shelf, axis(0), limit=4) == order[:4]
    assert (await worded(shelf, "cell", limit=4))[0] == order[0]
    assert len(await worded(shelf, "cell", limit=4)) == 4


async def test_words_find_what_shares_them_and_a_rare_one_counts_more(shelf: Shelf) -> None:
    common = [passage(axis(0), f"the market number {i}") for i in range(6)]
    rare = passage(axis(7), "the monopsony number 7")
    await shelf.upsert([*common, rare, passage(axis(1), "rivers flow")])
    assert (await worded(shelf, "a market with monopsony"))[0] == rare.passage_id
    assert set(await worded(shelf, "a market with monopsony")) == {one.passage_id for one in (*common, rare)}
    assert await worded(shelf, "volcano") == []
    assert await worded(shelf, "") == []
    assert await worded(shelf, "the of and") == []


async def test_words_are_found_in_other_forms_and_other_scripts(shelf: Shelf) -> None:
    english, chinese = passage(axis(0), "prices were regulated"), passage(axis(0), "北京是中国的首都。")
    german = passage(axis(0), "Die Häuser der Städte")
    await shelf.upsert([english, chinese, german])
    assert await worded(shelf, "regulating a price") == [english.passage_id]
    assert await worded(shelf, "中国") == [chinese.passage_id]
    assert await worded(shelf, "häuser") == [german.passage_id]


async def test_words_of_others_are_not_found_and_do_not_weigh(shelf: Shelf) -> None:
    document = uuid4()
    both = passage(axis(0), "alpha", document=document), passage(axis(0), "beta beta")
    await shelf.upsert([*both, passage(axis(0), "beta")])
    before = await shelf.search_words(question_words("alpha beta"), user_id=ANN, limit=10)
    # Somebody else's many passages change neither what is rare here nor what is found.
    await shelf.upsert([passage(axis(0), "alpha", user=BOB, document=document) for _ in range(20)])
    after = await shelf.search_words(question_words("alpha beta"), user_id=ANN, limit=10)
    assert [hit.passage_id for hit in after] == [hit.passage_id for hit in before]
    assert [hit.score for hit in after] == pytest.approx([hit.score for hit in before], rel=1e-5)
    assert await worded(shelf, "alpha", document_ids=[document]) == [both[0].passage_id]
    assert await worded(shelf, "alpha", user=uuid4()) == []


async def test_writing_twice_is_writing_once(shelf: Shelf) -> None:
    one = passage(axis(0))
    await shelf.upsert([one])
    await shelf.upsert([one, one])
    assert await shelf.count() == 1
    moved = replace(one, vector=axis(3), words=passage_words("moved"))
    await shelf.upsert([moved])
    assert (await shelf.search(axis(3), user_id=ANN, limit=1))[0].score == pytest.approx(1, abs=1e-3)
    assert await worded(shelf, "moved") == [one.passage_id]
    assert await shelf.count() == 1


async def test_a_deleted_document_is_gone_and_the_others_stay(shelf: Shelf) -> None:
    document = uuid4()
    old, new = (passage(axis(0), "cells", document=document, version=version) for version in (1, 2))
    other = passage(axis(0), "cells")
    await shelf.upsert([old, new, other])
    await shelf.delete_document(document, below_version=2)
    assert set(await found(shelf, axis(0))) == {new.passage_id, other.passage_id}
    assert set(await worded(shelf, "cells")) == {new.passage_id, other.passage_id}
    await shelf.delete_document(document)
    await shelf.delete_document(document)
    assert await found(shelf, axis(0)) == [other.passage_id]
    assert await shelf.count() == 1


async def test_a_deleted_user_is_gone_and_the_others_stay(shelf: Shelf) -> None:
    await shelf.upsert([passage(axis(0)), passage(axis(1)), theirs := passage(axis(0), user=BOB)])
    await shelf.delete_user(ANN)
    assert await shelf.count() == 1
    assert await found(shelf, axis(0), user=BOB) == [theirs.passage_id]


async def test_it_says_which_passages_it_lacks(shelf: Shelf) -> None:
    await shelf.upsert([there := passage(axis(0))])
    absent = uuid4()
    assert await shelf.missing([there.passage_id, absent]) == {absent}
    assert await shelf.missing([]) == set()


async def test_its_passages_are_paged_by_id_and_looked_up_with_their_versions(shelf: Shelf) -> None:
    there = [passage(axis(n % 3)) for n in range(7)]
    await shelf.upsert(there)
    known = {one.passage_id: one.content_version for one in there}
    assert await shelf.versions([*known, uuid4()]) == known
    assert await shelf.versions([]) == {}
    pages: list[UUID] = []
    while page := await shelf.page(pages[-1] if pages else None, 3):
        pages += page
    assert pages == sorted(known)
    # The last of a page may be gone before the next is asked for.
    await shelf.delete_document(next(one.document_id for one in there if one.passage_id == pages[2]))
    assert list(await shelf.page(pages[2], 2)) == pages[3:5]


async def test_an_empty_shelf_answers(shelf: Shelf) -> None:
    await shelf.upsert([])
    assert await found(shelf, axis(0)) == []
    assert await shelf.count() == 0


async def test_progress_stands_in_the_shelf_and_is_never_found(shelf: Shelf) -> None:
    assert await shelf.progress() == PROGRESS
    further = replace(PROGRESS, cursor=2**40, complete=True)
    await shelf.advance(further)
    assert await shelf.progress() == further
    assert await shelf.count() == 0
    await shelf.delete_user(UUID(int=0))
    assert await shelf.progress() == further


async def test_shelves_stand_beside_each_other(library: Library) -> None:
    first, second = await library.create(PROGRESS), await library.create(replace(PROGRESS, dimensions=4))
    await first.upsert([passage(axis(0))])
    assert {shelf.name for shelf in await library.shelves()} == {first.name, second.name}
    assert await second.count() == 0
    await library.remove(first.name)
    await library.remove(first.name)
    assert [shelf.name for shelf in await library.shelves()] == [second.name]


async def test_the_embedded_engine_keeps_what_was_written(tmp_path: Path) -> None:
    first = EdgeLibrary(tmp_path)
    await first.open()
    shelf = await first.create(PROGRESS)
    one = passage(axis(0), "cells divide")
    await shelf.upsert([one])
    await shelf.advance(replace(PROGRESS, cursor=7))
    await first.close()
    second = EdgeLibrary(tmp_path)
    await second.open()
    (again,) = await second.shelves()
    assert (await again.progress()).cursor == 7
    assert await found(again, axis(0)) == [one.passage_id]
    assert await worded(again, "cells") == [one.passage_id]
    await second.close()


async def test_a_broken_folder_is_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = EdgeLibrary(tmp_path)
    await first.open()
    broken, whole = await first.create(PROGRESS), await first.create(PROGRESS)
    await first.close()
    for path in (tmp_path / broken.name / "segments").rglob("*"):
        if path.is_file():
            path.write_bytes(b"torn")
    # What a crash leaves of a shelf in the making.
    (tmp_path / "passages-half-made").mkdir()
    second = EdgeLibrary(tmp_path)
    await second.open()
    assert [shelf.name for shelf in await second.shelves()] == [whole.name]
    assert "is made again" in caplog.text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["owner", whole.name]
    await second.close()


async def test_what_a_dead_process_left_unfinished_on_a_server_goes() -> None:
    client = AsyncQdrantClient(location=":memory:")
    library = QdrantLibrary(client)
    for name in ("passages-half-made", "somebody-elses"):
        await client.create_collection(name, vectors_config={})
    assert await library.shelves() == []
    shelf = await library.create(PROGRESS)
    names = {each.name for each in (await client.get_collections()).collections}
    assert names == {shelf.name, "somebody-elses"}
    await library.close()


HOLD = """
import asyncio, sys
from pathlib import Path
from ingestion.edge_vectors import EdgeLibrary
async def main():
    library = EdgeLibrary(Path(sys.argv[1]))
    await library.open()
    print("open", flush=True)
    sys.stdin.read()
asyncio.run(main())
"""


async def test_a_second_owner_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    owner = subprocess.Popen(  # noqa: ASYNC220  # it starts at once
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        library = EdgeLibrary(tmp_path)
        with pytest.raises(LibraryTaken, match=rf"in use by process {owner.pid}\. One process owns it: stop that one"):
            await library.open()
        with pytest.raises(LibraryTaken):
            await library.open()
    finally:
        owner.kill()
        owner.communicate()
    await library.open()
    await library.close()
