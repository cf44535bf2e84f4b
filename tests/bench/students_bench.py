"""Fifty students at once, each with a second of thought between two acts, through the gateway of the whole mesh.

Everything but uploads and a model's answers is in it. The bound is the issue's: 100 ms at p95, of each act and of all together.
The baseline is one of the acts: the gateway's own `/health/live`, which asks nobody.
"""

import asyncio
import itertools
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import uuid4

import httpx
import uvloop
from whole_mesh import whole_mesh

STUDENTS = 50
CARDS = 40
SECONDS = 60
THINK_SECONDS = 1.0
PATIENCE_SECONDS = 60
BOUND_MS = 100
BASELINE = "the gateway's own health"
SAMPLE = Path(__file__).parents[1] / "demo" / "sample.pdf"
QUESTIONS = (
    "What is the testing effect?",
    "When is an item reviewed again?",
    "Who prepares to teach?",
    "spaced repetition",
)

Json = dict[str, Any]
Act = Callable[[], Awaitable[httpx.Response]]


class Student:
    """A signed-up student with a document that is read, a session about it, and a deck of new cards."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.document: Json = {}
        self.session: Json = {}
        self.cards: list[str] = []

    async def settle(self) -> None:
        account = {"email": f"{uuid4().hex}@example.org", "password": uuid4().hex, "name": "Ada"}
        signed_up = (await self._made("/auth/signup", account)).json()
        self.http.headers["Authorization"] = f"Bearer {signed_up['access_token']}"
        uploaded = await self.http.post("/documents", files={"file": (SAMPLE.name, SAMPLE.read_bytes())})
        self.document = await self._until_read(uploaded.json()["id"])
        deck = (await self._made("/decks", {"name": "Memory"})).json()
        for number in range(CARDS):
            card = {"question": f"What is {number}?", "answer": f"The number {number}.", "deck_id": deck["id"]}
            self.cards.append((await self._made("/flashcards", card)).json()["cards"][0]["id"])
        self.session = (await self._made("/chat/sessions", {"mode": "tutor"})).json()
        await self._made(f"/chat/sessions/{self.session['id']}/messages", {"content": QUESTIONS[0]})

    def acts(self) -> dict[str, Act]:
        """What a student does between uploads and questions; each a request to one endpoint."""
        document, session = self.document["id"], self.session["id"]
        cards = itertools.cycle(self.cards)
        return {
            BASELINE: lambda: self.http.get(str(self.http.base_url.join("/health/live"))),
            "GET /users/me": lambda: self.http.get("/users/me"),
            "GET /documents": lambda: self.http.get("/documents"),
            "GET /documents/{id}/pages/{n}": lambda: self.http.get(f"/documents/{document}/pages/2"),
            "POST /search": lambda: self.http.post("/search", json={"query": random.choice(QUESTIONS)}),
            "GET /chat/sessions": lambda: self.http.get("/chat/sessions"),
            "POST /chat/sessions": lambda: self.http.post("/chat/sessions", json={"mode": "tutor"}),
            "GET /chat/sessions/{id}/messages": lambda: self.http.get(f"/chat/sessions/{session}/messages"),
            "GET /decks": lambda: self.http.get("/decks"),
            "GET /flashcards": lambda: self.http.get("/flashcards", params={"search": "is:due number"}),
            "GET /flashcards/due": lambda: self.http.get("/flashcards/due"),
            "POST /flashcards/{id}/review": lambda: self.http.post(
                f"/flashcards/{next(cards)}/review", json={"rating": "good"}
            ),
            "GET /flashcards/statistics": lambda: self.http.get("/flashcards/statistics"),
            "GET /notifications": lambda: self.http.get("/notifications"),
        }

    async def _made(self, path: str, body: Json) -> httpx.Response:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == 201 or answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer

    async def _until_read(self, document_id: str) -> Json:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            document: Json = (await self.http.get(f"/documents/{document_id}")).json()
            if document["status"] == "ready":
                return document
            await asyncio.sleep(0.2)
        raise TimeoutError(f"the sample was not read within {PATIENCE_SECONDS} s: {document}")


async def study(student: Student, took: dict[str, list[float]], until: float) -> None:
    acts = student.acts()
    await asyncio.sleep(random.uniform(0, THINK_SECONDS))
    while time.monotonic() < until:
        name = random.choice(tuple(acts))
        started = time.perf_counter()
        answer = await acts[name]()
        took[name].append(time.perf_counter() - started)
        assert answer.is_success, f"{name}: {answer.status_code} {answer.text}"
        await asyncio.sleep(THINK_SECONDS)


async def measure(url: str) -> None:
    took: dict[str, list[float]] = defaultdict(list)
    students = [Student(httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=30)) for _ in range(STUDENTS)]
    for student in students:
        await student.settle()
    until = time.monotonic() + SECONDS
    await asyncio.gather(*(study(student, took, until) for student in students))
    for student in students:
        await student.http.aclose()
    baseline = took.pop(BASELINE)
    _print(BASELINE, baseline, "baseline")
    for name in sorted(took, key=lambda act: -_percentile(took[act], 95)):
        _print(name, took[name], f"bound {BOUND_MS} ms")
    _print("all but the baseline", [each for waits in took.values() for each in waits], f"bound {BOUND_MS} ms")


def _percentile(waits: list[float], percent: int) -> float:
    return quantiles(waits, n=100)[percent - 1] * 1000


def _print(name: str, waits: list[float], beside: str) -> None:
    figures = f"p50 {_percentile(waits, 50):6.1f} ms   p95 {_percentile(waits, 95):6.1f} ms"
    print(f"{name:<34} {len(waits):>5} times   {figures}   {beside}")


def main() -> None:
    with whole_mesh() as mesh:
        uvloop.run(measure(mesh.url))


if __name__ == "__main__":
    main()
