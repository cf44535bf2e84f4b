"""Embeddings over real HTTP, against a server that speaks the protocol and one that does not quite."""

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest
from ingestion.embedding import EmbeddingFailed
from ingestion.openai_embedding import OpenAIEmbedding

from .embedding_server import Answer, EmbeddingServer, embedding_server, vector_of


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with embedding_server() as server:
        yield server


def client(server: EmbeddingServer, **options: Any) -> OpenAIEmbedding:
    return OpenAIEmbedding(base_url=server.url, api_key="secret", model="m", **{"retries": 2, "seconds": 5, **options})


@pytest.fixture
async def model(server: EmbeddingServer) -> AsyncIterator[OpenAIEmbedding]:
    model = client(server)
    yield model
    await model.close()


def unit(text: str) -> np.ndarray:
    vector = np.array(vector_of(text), np.float32)
    return vector / np.linalg.norm(vector)


async def test_vectors_come_back_in_order_and_of_length_one(server: EmbeddingServer, model: OpenAIEmbedding) -> None:
    passages = await model.embed_passages(["one", "two", "three"])
    assert [vectors.shape for vectors in passages] == [(1, 4)] * 3
    for text, (vector,) in zip(["one", "two", "three"], passages, strict=True):
        assert vector == pytest.approx(unit(text), abs=1e-6)
    assert await model.embed_query("one") == pytest.approx(unit("one"), abs=1e-6)
    assert server.keys[0] == "Bearer secret"
    assert model.name == "m"


async def test_many_texts_go_in_batches(server: EmbeddingServer) -> None:
    model = client(server, batch=10)
    texts = [f"text {number}" for number in range(95)]
    passages = await model.embed_passages(texts)
    assert sorted(len(request["input"]) for request in server.requests) == [5, *[10] * 9]
    assert np.concatenate(passages) == pytest.approx(np.stack([unit(text) for text in texts]), abs=1e-6)
    assert await model.embed_passages([]) == []
    await model.close()


async def test_a_long_passage_is_sent_in_windows_and_nothing_of_it_is_left_out(server: EmbeddingServer) -> None:
    model = client(server, window=100)
    text = "a few words of it " * 20
    (vectors,) = await model.embed_passages([text])
    sent = server.requests[0]["input"]
    assert "".join(sent) == text
    assert len(vectors) == len(sent) == 4
    assert np.linalg.norm(await model.embed_query(text)) == pytest.approx(1, abs=1e-5)
    await model.close()


async def test_what_cannot_be_sent_is_replaced(server: EmbeddingServer, model: OpenAIEmbedding) -> None:
    await model.embed_passages(["", "half \ud800 a pair"])
    assert server.requests[0]["input"] == [" ", "half ? a pair"]


async def test_a_model_that_is_busy_is_asked_again_when_it_said(
    server: EmbeddingServer, model: OpenAIEmbedding
) -> None:
    server.answers = [Answer(429, headers={"Retry-After": "1"}), Answer(500)]
    await model.embed_query("one")
    assert len(server.requests) == 3
    assert server.times[1] - server.times[0] >= 1


async def test_a_model_that_goes_on_failing_may_succeed_later(server: EmbeddingServer, model: OpenAIEmbedding) -> None:
    server.answers = [Answer(500, headers={"Retry-After-Ms": "1"})] * 3
    with pytest.raises(EmbeddingFailed, match="answered 500") as failed:
        await model.embed_passages(["one"])
    assert failed.value.passing
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_wrong_settings_are_not_tried_again(server: EmbeddingServer, model: OpenAIEmbedding, status: int) -> None:
    server.answers = [Answer(status)] * 9
    with pytest.raises(EmbeddingFailed, match=f"m at {server.url}/ answered {status}") as failed:
        await model.embed_query("one")
    assert not failed.value.passing
    assert len(server.requests) == 1


async def test_one_failing_batch_fails_them_all(server: EmbeddingServer) -> None:
    model = client(server, batch=1)
    server.answers = [Answer(400)] * 9
    with pytest.raises(EmbeddingFailed, match="answered 400"):
        await model.embed_passages(["one", "two", "three"])
    await model.close()


async def test_a_model_that_is_too_slow_is_given_up(server: EmbeddingServer) -> None:
    model = client(server, seconds=0.2, retries=0)
    server.hold = threading.Event()
    with pytest.raises(EmbeddingFailed, match="cannot be reached in time") as failed:
        await model.embed_query("one")
    assert failed.value.passing
    await model.close()


async def test_a_server_that_is_not_there_is_named() -> None:
    model = OpenAIEmbedding(base_url="http://127.0.0.1:1/v1", api_key=None, model="m", retries=0)
    with pytest.raises(EmbeddingFailed, match=r"m at http://127\.0\.0\.1:1/v1/ cannot be reached"):
        await model.embed_query("one")
    await model.close()


async def test_the_length_of_vectors_is_asked_once(server: EmbeddingServer, model: OpenAIEmbedding) -> None:
    assert [await model.dimensions(), await model.dimensions()] == [4, 4]
    assert len(server.requests) == 1


async def test_shorter_vectors_can_be_asked_for(server: EmbeddingServer) -> None:
    model = client(server, dimensions=3)
    assert (await model.embed_query("one")).shape == (3,)
    assert server.requests[0]["dimensions"] == 3
    assert (model.name, await model.dimensions()) == ("m@3", 3)
    await model.close()


async def test_vectors_of_another_length_are_refused(server: EmbeddingServer, model: OpenAIEmbedding) -> None:
    await model.embed_query("one")
    server.dimensions = 5
    with pytest.raises(EmbeddingFailed, match="5 numbers where 4 were expected") as failed:
        await model.embed_query("one")
    assert not failed.value.passing


def _drop_one(body: dict[str, Any]) -> None:
    body["data"].pop()


def _zero(body: dict[str, Any]) -> None:
    body["data"][0]["embedding"] = [0, 0, 0, 0]


def _infinite(body: dict[str, Any]) -> None:
    body["data"][0]["embedding"] = [1e39, 0, 0, 0]


def _empty(body: dict[str, Any]) -> None:
    body["data"] = []


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("change", [_drop_one, _zero, _infinite, _empty])
async def test_what_is_no_vector_is_refused(server: EmbeddingServer, model: OpenAIEmbedding, change: Any) -> None:
    server.change = change
    with pytest.raises(EmbeddingFailed, match="gave"):
        await model.embed_passages(["one", "two"])


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b"[]", b'{"data": [{"index": 0}]}', b'{"data": [{"index": 0, "embedding": ["x"]}]}']
)
async def test_what_is_no_answer_is_refused(server: EmbeddingServer, model: OpenAIEmbedding, body: bytes) -> None:
    server.answers = [Answer(200, body)]
    server.change = lambda body: body
    with pytest.raises(EmbeddingFailed):
        await model.embed_query("one")
