"""Students who review through the gateway."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx

from cards.figures import line

THINK_SECONDS = 1.0
REVIEWING_SECONDS = 20.0
ASKED = 300


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A student who signed up."""

    id: UUID
    token: str


async def signed_up(url: str, count: int) -> list[Reviewer]:
    """So many new students."""
    found = []
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=30) as client:
        for _ in range(count):
            account = {"email": f"{uuid4().hex}@example.org", "password": uuid4().hex, "name": "Ada"}
            answer = (await client.post("/auth/signup", json=account)).json()
            found.append(Reviewer(UUID(answer["user"]["id"]), answer["access_token"]))
    return found


async def asking(gateway: str, service: str, reviewers: Sequence[Reviewer]) -> None:
    """`GET /flashcards/due`, one student after the other: through the gateway, and in turns without it."""
    took: dict[str, list[float]] = {gateway: [], service: []}
    async with httpx.AsyncClient(timeout=30) as client:
        for number in range(ASKED):
            for url, found in took.items():
                began = time.perf_counter()
                answer = await client.get(f"{url}/flashcards/due", headers=_bearer(reviewers[number % len(reviewers)]))
                found.append(time.perf_counter() - began)
                assert answer.status_code == 200, answer.text
                assert answer.json()["items"]
    line("GET /flashcards/due of the service alone", took[service], "baseline")
    line("GET /flashcards/due through the gateway", took[gateway], "bound p95 25 ms")


async def grading(gateway: str, reviewers: Sequence[Reviewer]) -> None:
    """Each looks at the first card of the queue, thinks, and says how it was."""
    graded: list[float] = []
    refused: list[str] = []
    async with httpx.AsyncClient(base_url=gateway, timeout=30) as client:
        end = time.perf_counter() + REVIEWING_SECONDS
        await asyncio.gather(
            *(_review(client, each, n / len(reviewers), end, graded, refused) for n, each in enumerate(reviewers))
        )
    rate = len(graded) / REVIEWING_SECONDS
    beside = f"{len(refused)} were refused: too many at once" if refused else "bound p95 40 ms"
    line(f"grading a review, {len(reviewers)} reviewers ({rate:.0f}/s)", graded, beside)


async def _review(
    client: httpx.AsyncClient, reviewer: Reviewer, offset: float, end: float, graded: list[float], refused: list[str]
) -> None:
    await asyncio.sleep(offset)
    while time.perf_counter() < end:
        asked = await client.get("/flashcards/due", params={"limit": 1}, headers=_bearer(reviewer))
        if asked.status_code == 503:
            refused.append(asked.text)
            await asyncio.sleep(THINK_SECONDS)
            continue
        queue = asked.json()
        if not queue["items"]:  # who is fast has done all that the day allows
            return
        await asyncio.sleep(THINK_SECONDS)
        path, body = f"/flashcards/{queue['items'][0]['id']}/review", {"rating": "good", "id": str(uuid4())}
        began = time.perf_counter()
        answer = await client.post(path, json=body, headers=_bearer(reviewer))
        took = time.perf_counter() - began
        assert answer.status_code in {200, 503}, answer.text
        if answer.status_code == 200:
            graded.append(took)
        else:
            refused.append(answer.text)


def _bearer(reviewer: Reviewer) -> dict[str, str]:
    return {"Authorization": f"Bearer {reviewer.token}"}
