"""A student of the running mesh, as a frontend would act for one."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from devstack.waiting import until

Json = dict[str, Any]


class Student:
    """A signed-up student who talks to the gateway."""

    def __init__(self, client: httpx.AsyncClient, email: str, password: str, tokens: Json) -> None:
        self.http = client
        self.email = email
        self.password = password
        self.tokens = tokens
        self.http.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    async def upload(self, name: str, content: bytes, **headers: str) -> Json:
        """Upload, and return the document as it was taken in."""
        answer = await self.http.post("/documents", files={"file": (name, content)}, headers=headers)
        assert answer.status_code == 202, answer.text
        document: Json = answer.json()
        return document

    async def until_read(self, document_id: str, seconds: float = 60) -> Json:
        """The document once it is ready or failed."""

        async def read() -> Json | None:
            document: Json = (await self.http.get(f"/documents/{document_id}")).json()
            return document if document["status"] in ("ready", "failed") else None

        return await until(read, seconds)

    async def ready(self, name: str, content: bytes) -> Json:
        """Upload a document and wait until it can be searched."""
        document = await self.until_read((await self.upload(name, content))["id"])
        assert document["status"] == "ready", document
        return document

    async def study(self, *document_ids: str, mode: str = "tutor") -> Json:
        """A session, as soon as chat has heard of the documents."""

        async def start() -> Json | None:
            answer = await self.http.post("/chat/sessions", json={"mode": mode, "document_ids": list(document_ids)})
            if answer.status_code in (404, 409, 422):
                return None
            assert answer.status_code == 201, answer.text
            session: Json = answer.json()
            return session

        return await until(start, 15)

    async def ask(self, session: Json, question: str) -> Json:
        """The whole answer, as JSON."""
        answer = await self.http.post(f"/chat/sessions/{session['id']}/messages", json={"content": question})
        assert answer.status_code in (200, 201), answer.text
        message: Json = answer.json()
        return message


SignUp = Callable[[], Awaitable[Student]]
