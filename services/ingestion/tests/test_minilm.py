"""The embedding model on this processor: right, whole, and made once."""

import asyncio
import math
import multiprocessing
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingestion import weights
from ingestion.embedding import embedder, from_bytes, mean, named, to_bytes
from ingestion.minilm import DIMENSIONS, END, PASSAGE_WINDOW, QUERY_WINDOW, START, MiniLM, open_tokenizer
from ingestion.openai_embedding import OpenAIEmbedding
from ingestion.sentences import sentences
from ingestion.settings import Settings
from ingestion.weights import WeightsUnusable, graph_file
from ingestion.windows import text_windows, windows
from pydantic import ValidationError

from .reference_model import ReferenceModel

TEXTS = [
    "What is culture?",
    "The behaviors, customs, and norms associated with a class are known as class traits.",
    "Elasticity measures how much the quantity demanded responds to a change in price. " * 3,
    "Zürich, naïve café – 東京 \N{GRINNING FACE} x²",
    "a",
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture
async def model(cache: Path) -> AsyncIterator[MiniLM]:
    model = MiniLM(cache)
    yield model
    await model.close()


async def test_vectors_are_those_of_the_published_model(model: MiniLM) -> None:
    reference, tokenizer = ReferenceModel(), open_tokenizer()
    passages = await model.embed_passages(TEXTS)
    for text, vectors in zip(TEXTS, passages, strict=True):
        for sentence, vector in zip(sentences(text), vectors, strict=True):
            expected = reference.embed([START, *tokenizer.encode(sentence, add_special_tokens=False).ids, END])
            assert vector @ expected >= 0.99999
            assert await model.embed_query(sentence) @ expected >= 0.99999


async def test_vectors_are_unit_rows_and_do_not_depend_on_their_neighbours(model: MiniLM) -> None:
    texts = [" ".join(["word"] * n) for n in (1, 90, 3, 40, 7, 120, 2, 60, 11, 5)]
    together = np.concatenate(await model.embed_passages(texts))
    alone = np.concatenate([(await model.embed_passages([text]))[0] for text in texts])
    assert together.shape == (10, DIMENSIONS)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(10), abs=1e-5)
    assert (together * alone).sum(axis=1).min() > 0.99999


async def test_meaning_is_nearer_than_words(model: MiniLM) -> None:
    question = await model.embed_query("How do plants make food from sunlight?")
    near, far = await model.embed_passages(
        ["Photosynthesis turns light into sugar.", "How do I make food for a party?"]
    )
    assert (near @ question).max() > (far @ question).max()


async def test_the_end_of_a_long_passage_is_found(model: MiniLM) -> None:
    padding = "The committee met again on Tuesday to discuss the budget of the coming year. " * 40
    (vectors,) = await model.embed_passages([padding + "The mitochondrion is the powerhouse of the cell."])
    question = await model.embed_query("What is the powerhouse of the cell?")
    assert len(vectors) > 3
    assert (vectors @ question).argmax() == len(vectors) - 1


async def test_a_question_longer_than_the_model_reads_is_read_to_its_end(model: MiniLM) -> None:
    padding = "Please tell me. " * 80
    one = await model.embed_query(padding + "What is a cell?")
    other = await model.embed_query(padding + "Who won the war?")
    assert one @ other < 0.9999  # they are one and the same where the end is not read
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["", " \n", "\x00", "\ud800 half a pair", "x" * 5000, "\N{ZERO WIDTH SPACE}"])
async def test_any_text_has_a_vector(model: MiniLM, text: str) -> None:
    (vectors,) = await model.embed_passages([text])
    assert np.isfinite(vectors).all()
    assert np.isfinite(await model.embed_query(text)).all()


async def test_no_texts_give_no_vectors(model: MiniLM) -> None:
    assert await model.embed_passages([]) == []


async def test_a_question_does_not_wait_for_passages_and_the_loop_goes_on(model: MiniLM) -> None:
    await model.embed_query("warm up")
    passages = asyncio.create_task(model.embed_passages([TEXTS[2]] * 40))
    await asyncio.sleep(0)
    await model.embed_query("What is culture?")
    assert not passages.done()
    assert len(await passages) == 40


async def test_a_closed_model_lets_go(cache: Path) -> None:
    model = MiniLM(cache)
    await model.embed_query("a")
    assert any(thread.name.startswith("embed") for thread in threading.enumerate())
    await model.close()
    assert not any(thread.name.startswith("embed") for thread in threading.enumerate())


@given(st.lists(st.integers(0, 40), max_size=400).map(sorted), st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_windows_hold_every_token_once_and_split_no_word_that_fits(words: list[int], limit: int) -> None:
    parts = list(windows(words, limit))
    assert [word for part in parts for word in words[part]] == words
    assert all(part.stop - part.start <= limit for part in parts)
    assert all(part.stop > part.start for part in parts) or not words
    for part in parts[:-1]:
        if words[part.stop] == words[part.stop - 1]:
            # Only where no boundary was in reach: the word fills the window from its start.
            assert len(set(words[part])) == 1


def test_windows_are_about_equally_long() -> None:
    assert [part.stop - part.start for part in windows(list(range(260)), 126)] == [87, 87, 86]
    assert list(windows([], 126)) == [slice(0, 0)]
    assert PASSAGE_WINDOW + 2 == 128
    assert QUERY_WINDOW + 2 == 256


@given(st.text(max_size=300), st.integers(1, 50))
@settings(max_examples=100, deadline=None)
def test_windows_of_text_are_the_text(text: str, limit: int) -> None:
    parts = text_windows(text, limit)
    assert "".join(parts) == text
    assert len(parts) >= math.ceil(len(text) / limit)


@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_stored_vectors_come_back_in_their_directions(count: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    again = from_bytes(to_bytes(vectors), DIMENSIONS)
    assert (again * vectors).sum(axis=1).min() > 0.9995
    assert np.linalg.norm(again, axis=1) == pytest.approx(np.ones(count), abs=1e-5)
    with pytest.raises(ValueError, match=r"reshape|multiple"):
        from_bytes(to_bytes(vectors), DIMENSIONS * 31)


def test_vectors_that_were_stored_as_floats_are_read_too() -> None:
    vectors = np.eye(4, dtype=np.float32)[:3]
    assert (from_bytes(vectors.astype("<f4").tobytes(), 4) == vectors).all()
    with pytest.raises(ValueError, match="reshape"):
        from_bytes(vectors.tobytes(), 5)


def test_the_mean_of_vectors_is_a_unit_between_them() -> None:
    assert mean(np.eye(4, dtype=np.float32)[:2]) == pytest.approx(np.array([0.5, 0.5, 0, 0]) ** 0.5)
    assert np.isfinite(mean(np.array([[1, 0], [-1, 0]], np.float32))).all()


def test_two_processes_at_once_make_one_graph(tmp_path: Path) -> None:
    # What a crash in the middle left here.
    (tmp_path / weights.GRAPH).with_suffix(".unfinished").write_bytes(b"half")
    context = multiprocessing.get_context("spawn")
    makers = [context.Process(target=graph_file, args=(tmp_path,)) for _ in range(2)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(60)
    assert [maker.exitcode for maker in makers] == [0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [weights.GRAPH, f"{weights.GRAPH}.lock"]
    made = (tmp_path / weights.GRAPH).stat().st_mtime_ns
    graph_file(tmp_path)
    assert (tmp_path / weights.GRAPH).stat().st_mtime_ns == made


async def test_a_graph_that_cannot_be_read_is_made_again(tmp_path: Path) -> None:
    (tmp_path / weights.GRAPH).write_bytes(b"torn")
    model = MiniLM(tmp_path)
    assert (await model.embed_query("a")).shape == (DIMENSIONS,)
    await model.close()


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(weights.PINNED, "model.safetensors", "0" * 64)
    with pytest.raises(WeightsUnusable, match=r"not the model\.safetensors that was pinned"):
        graph_file(tmp_path)
    assert not (tmp_path / weights.GRAPH).exists()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "PACKAGE", "no-such-weights")
    with pytest.raises(WeightsUnusable, match="no-such-weights is not installed"):
        weights.weights_file("model.safetensors")
    monkeypatch.setattr(weights, "PACKAGE", "numpy")
    with pytest.raises(WeightsUnusable, match=r"installed without model\.safetensors"):
        weights.weights_file("model.safetensors")


def test_the_settings_choose_the_model(tmp_path: Path) -> None:
    plain = Settings(environment="test", data_dir=tmp_path)
    assert embedder(plain).name == "all-MiniLM-L6-v2"
    remote = plain.model_copy(update={"embeddings_base_url": "http://127.0.0.1:1/v1", "embeddings_model": "m"})
    assert isinstance(embedder(remote), OpenAIEmbedding)
    assert embedder(remote).name == "m"
    # An index that was made before the settings changed.
    assert isinstance(named(remote, "all-MiniLM-L6-v2"), MiniLM)
    shortened = remote.model_copy(update={"embeddings_dimensions": 256})
    assert embedder(shortened).name == "m@256"
    for name in ("older", "older@512", "@cf/older"):
        older = named(shortened, name)
        assert older is not None
        assert older.name == name
    assert named(plain, "older") is None


def test_a_model_that_is_nowhere_is_refused_at_the_start() -> None:
    with pytest.raises(ValidationError, match="Say where it is by INGESTION_EMBEDDINGS_BASE_URL"):
        Settings(environment="test", embeddings_model="text-embedding-3-small")
