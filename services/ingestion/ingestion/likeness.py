"""How near texts are in meaning, by the model that searches: what a student said, and what stands in the material."""

from typing import Annotated, Protocol

import httpx
from chassis.errors import Unavailable
from pydantic import BaseModel, Field, StringConstraints

from ingestion.embedding import Embedder, EmbeddingFailed

REMOTE_SECONDS = 10.0
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class LikenessQuery(BaseModel):
    """The body of `POST /likeness`: one text, and others to compare it with."""

    text: Text
    others: list[Text] = Field(min_length=1, max_length=12)


class LikenessAnswer(BaseModel):
    """Cosines, one for each of the others, -1 to 1. What they mean depends on the model."""

    model: str
    cosines: list[float]


class Likeness(Protocol):
    """What api.py calls. Raises `Unavailable` where the model cannot be asked."""

    async def compare(self, query: LikenessQuery, *, token: str) -> LikenessAnswer: ...


class LocalLikeness:
    """Compares with the model in this process."""

    def __init__(self, model: Embedder) -> None:
        self._model = model

    async def compare(self, query: LikenessQuery, *, token: str = "") -> LikenessAnswer:
        try:
            text = await self._model.embed_query(query.text)
            others = [await self._model.embed_query(other) for other in query.others]
        except EmbeddingFailed as error:
            raise _unavailable() from error
        return LikenessAnswer(model=self._model.name, cosines=[float(text @ other) for other in others])


class RemoteLikeness:
    """Asks the process that has the `index` role, and so the model, with the caller's token."""

    def __init__(self, base_url: str, client: httpx.AsyncClient | None = None) -> None:
        self._client = client or httpx.AsyncClient(timeout=REMOTE_SECONDS)
        self._url = f"{base_url.rstrip('/')}/internal/likeness"

    async def compare(self, query: LikenessQuery, *, token: str) -> LikenessAnswer:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            answer = await self._client.post(self._url, json=query.model_dump(), headers=headers)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise _unavailable() from error
        return LikenessAnswer.model_validate_json(answer.content)

    async def close(self) -> None:
        await self._client.aclose()


def _unavailable() -> Unavailable:
    return Unavailable("Texts cannot be compared right now. Try again in a moment.")
