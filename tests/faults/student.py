"""A student under faults: repeats a request until it was accepted, and writes down what was."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
from devstack.waiting import until

from .ledger import Document, Ledger

Json = dict[str, Any]
PATIENCE = 180.0
"""How long one request may be refused, in seconds: longer than the longest outage."""
# Nonsense words: no two documents are alike for the index.
_SYLLABLES = ("ba", "du", "ki", "lo", "mer", "nup", "ras", "sil", "tov", "wen", "xa", "zig")


class Student:
    """Signed up. What a client was told is in the ledger, and nothing else is."""

    def __init__(self, http: httpx.AsyncClient, ledger: Ledger, chance: Random) -> None:
        self._http = http
        self._ledger = ledger
        self._chance = chance
        self.id = UUID(int=0)
        self._account: Json = {}
        self._mine: list[UUID] = []

    async def sign_up(self) -> None:
        word = self._word(6)
        self._account = {"email": f"{word}@example.org", "password": self._word(8), "name": word}
        # 409: it was signed up by a request whose answer was lost. 429: so many a minute from one address, for all scenarios.
        answer = await self._insist("POST", "/auth/signup", {201, 409}, {429}, json=self._account)
        if "access_token" not in answer:
            answer = await self._insist("POST", "/auth/login", {200}, json=self._account)
        self._begin(answer)
        self._ledger.names[self.id] = word

    def _begin(self, answer: Json) -> None:
        self._http.headers["Authorization"] = f"Bearer {answer['access_token']}"
        self.id = UUID(answer["user"]["id"])

    async def sign_out(self) -> None:
        """End the session, and begin another once its token is good for nothing."""
        # 401: it was ended by a request whose answer was lost.
        await self._insist("POST", "/auth/logout", {204, 401})
        await self._insist("GET", "/users/me", {401}, {200})
        # 429: attempts whose answers were lost count as well.
        self._begin(await self._insist("POST", "/auth/login", {200}, {429}, json=self._account))

    async def study(self) -> None:
        """A few things that a student does, in some order."""
        acts = [self.upload, self.write_card, self.ask, self.rename, self.delete, self.look, self.sign_out]
        for act in self._chance.choices(acts, weights=(4, 3, 3, 1, 1, 1, 1), k=3):
            await act()
            await asyncio.sleep(self._chance.uniform(0.1, 0.8))

    async def upload(self) -> UUID:
        words = " ".join(self._word(4) for _ in range(6))
        file = {"file": (f"{words[:12]}.txt", f"The guild of {words} built a harbour.\n".encode())}
        accepted = await self._insist("POST", "/documents", {202}, files=file, headers=_once())
        document = UUID(accepted["id"])
        self._ledger.documents[document] = Document(self.id, words)
        self._mine.append(document)
        return document

    async def write_card(self) -> None:
        card = {"question": f"What is {self._word(4)}?", "answer": self._word(3)}
        made = await self._insist("POST", "/flashcards", {201}, json=card, headers=_once())
        card_id = UUID(made["cards"][0]["id"])
        self._ledger.cards[card_id] = self.id
        review = {"id": str(uuid4()), "rating": self._chance.choice(("again", "hard", "good", "easy"))}
        await self._insist("POST", f"/flashcards/{card_id}/review", {200}, json=review)
        self._ledger.reviews[UUID(review["id"])] = card_id

    async def ask(self) -> None:
        """Ask about a document, if one is ready and chat has heard of it."""
        if (document := await self._one_that_is_ready()) is not None:
            await self._ask(document, {201, 404}, ())

    async def ask_about(self, document: UUID) -> Json:
        """Ask about a document, as soon as chat has heard of it."""
        return await self._ask(document, {201}, {404})

    async def _ask(self, document: UUID, begun: Collection[int], later: Collection[int]) -> Json:
        chosen = {"mode": "tutor", "document_ids": [str(document)]}
        session = await self._insist("POST", "/chat/sessions", begun, later, json=chosen, headers=_once())
        if "id" not in session:
            return {}
        question = {"content": f"Who built the harbour of {self._ledger.documents[document].words}?"}
        path = f"/chat/sessions/{session['id']}/messages"
        answer = await self._insist("POST", path, {200, 201}, {409}, json=question, headers=_once())
        self._ledger.answers[UUID(answer["id"])] = self.id
        return answer

    async def rename(self) -> None:
        name = self._word(5)
        await self._insist("PATCH", "/users/me", {200}, json={"name": name})
        self._ledger.names[self.id] = name

    async def delete(self) -> None:
        if (document := await self._one_that_is_ready()) is not None:
            # 404: it was deleted by a request whose answer was lost.
            await self._insist("DELETE", f"/documents/{document}", {204, 404})
            self._ledger.documents[document].deleted = True
            self._mine.remove(document)

    async def leave(self) -> None:
        """Delete the account: from then on nobody may keep anything of it."""
        # 401: it was deleted by a request whose answer was lost.
        await self._insist("DELETE", "/users/me", {204, 401}, {429}, json={"password": self._account["password"]})
        self._ledger.erase(self.id)

    async def look(self) -> list[Json]:
        items: list[Json] = (await self._insist("GET", "/notifications", {200}))["items"]
        return items

    async def until_told_of(self, document: UUID, seconds: float = 60) -> None:
        """Wait for the notification that the document is ready: it comes over the bus twice."""

        async def told() -> bool:
            return any(item["data"].get("document_id") == str(document) for item in await self.look())

        await until(told, seconds)

    async def find(self, document: UUID) -> list[Json]:
        """What a search in this document gives."""
        query = {"query": self._ledger.documents[document].words, "document_ids": [str(document)]}
        passages: list[Json] = (await self._insist("POST", "/search", {200}, json=query))["passages"]
        return passages

    async def _one_that_is_ready(self) -> UUID | None:
        if not self._mine:
            return None
        document = self._chance.choice(self._mine)
        now = await self._insist("GET", f"/documents/{document}", {200})
        return document if now["status"] == "ready" else None

    async def _insist(
        self, method: str, path: str, accepted: Collection[int], later: Collection[int] = (), **request: Any
    ) -> Json:
        """Repeat a request until it is accepted. Of refusals only a 5xx, and what is named, may be repeated."""
        deadline = time.monotonic() + PATIENCE
        while True:
            status, body = await self._try(method, path, **request)
            if status in accepted:
                return body
            assert status >= 500 or status in later, f"{method} {path}: {status} {body}"
            assert time.monotonic() < deadline, f"{method} {path} was refused for {PATIENCE:g} s: {status} {body}"
            await asyncio.sleep(self._chance.uniform(0.1, 0.4))

    async def _try(self, method: str, path: str, **request: Any) -> tuple[int, Json]:
        try:
            answer = await self._http.request(method, path, **request)
            return answer.status_code, answer.json() if answer.content else {}
        except httpx.TransportError as error:
            return 599, {"detail": repr(error)}

    def _word(self, syllables: int) -> str:
        return "".join(self._chance.choices(_SYLLABLES, k=syllables)) + str(self._chance.randrange(10**6))


def _once() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


@asynccontextmanager
async def enrolled(url: str, ledger: Ledger, chance: Random) -> AsyncIterator[Student]:
    """A student who has signed up."""
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=20) as http:
        student = Student(http, ledger, chance)
        await student.sign_up()
        yield student
