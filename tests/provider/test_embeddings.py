"""ingestion's embeddings over real HTTP, against a server that others wrote."""

import numpy as np
import pytest
from ingestion.embedding_failures import EmbeddingFailed
from ingestion.openai_embedding import OpenAIEmbedding

from .conftest import Aimock

pytestmark = pytest.mark.xdist_group("aimock")


def embedding(aimock: Aimock, *, key: str | None = None) -> OpenAIEmbedding:
    return OpenAIEmbedding(base_url=aimock.url, api_key=key or aimock.key, model="e", retries=0)


async def test_vectors_come_back_one_for_each_text_and_of_length_one(aimock: Aimock) -> None:
    embedder = embedding(aimock)
    passages = await embedder.embed_passages(["What is a unit vector?", "A unit vector, again."])
    await embedder.close()
    assert [part.shape for part in passages] == [(1, 3), (1, 3)]
    np.testing.assert_allclose(passages[0][0], [0.6, 0.8, 0.0], rtol=1e-6)


async def test_same_text_has_the_same_vector_and_another_text_another(aimock: Aimock) -> None:
    embedder = embedding(aimock)
    first, again, other = [await embedder.embed_query(text) for text in ("cells", "cells", "stars")]
    length = await embedder.dimensions()
    await embedder.close()
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    assert len(first) == length


async def test_wrong_key_is_no_passing_failure(aimock: Aimock) -> None:
    embedder = embedding(aimock, key="wrong")
    with pytest.raises(EmbeddingFailed, match="answered 401") as failed:
        await embedder.embed_query("cells")
    await embedder.close()
    assert not failed.value.passing
