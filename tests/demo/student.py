"""The mesh as a frontend sees it: the gateway's public API over HTTP, and nothing else."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

Json = dict[str, Any]
# An event of a loaded machine may be that long on its way.
NEWS_SECONDS = 10.0


class DemoFailed(Exception):
    """A step did not do what it should; the message says what was expected and what came."""


class Student:
    """One student of a running mesh."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(base_url=f"{self.url}/api/v1", timeout=60)

    def check_it_runs(self) -> None:
        """Raise `DemoFailed` unless the gateway is ready."""
        try:
            ready = httpx.get(f"{self.url}/health/ready", timeout=5)
        except httpx.HTTPError as error:
            raise DemoFailed(
                f"Nothing answers at {self.url}. Start the mesh first, in another terminal: make run"
            ) from error
        if ready.status_code != 200:
            raise DemoFailed(f"The mesh at {self.url} is not ready: {ready.text}")

    def sign_up(self) -> Json:
        """Sign up a student of this run alone, and stay signed in."""
        account = {
            "email": f"demo-{secrets.token_hex(4)}@example.org",
            "password": secrets.token_urlsafe(16),
            "name": "Ada",
            "time_zone": "Europe/London",
        }
        signed_up = self._json("POST", "/auth/signup", 201, json=account)
        self._client.headers["Authorization"] = f"Bearer {signed_up['access_token']}"
        user: Json = signed_up["user"]
        return user

    def upload(self, file: Path) -> Json:
        """Upload a document; it is read in the background."""
        with file.open("rb") as content:
            return self._json("POST", "/documents", 202, files={"file": (file.name, content)})

    def document(self, document_id: str) -> Json:
        """The document's state."""
        return self._json("GET", f"/documents/{document_id}", 200)

    def page(self, document_id: str, number: int) -> Json:
        """One page's text."""
        return self._json("GET", f"/documents/{document_id}/pages/{number}", 200)

    def study(self, document_id: str, mode: str = "tutor", **options: Any) -> Json:
        """Begin a session about one document, as soon as chat has heard that it is ready."""
        deadline = time.monotonic() + NEWS_SECONDS
        body = {"mode": mode, "document_ids": [document_id], **options}
        while True:
            try:
                return self._json("POST", "/chat/sessions", 201, json=body)
            except DemoFailed:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def ask(self, session_id: str, question: str) -> Iterator[tuple[str, Json]]:
        """The server-sent events of an answer, as (event, data), while they come."""
        path, body = f"/chat/sessions/{session_id}/messages", {"content": question}
        with self._client.stream("POST", path, json=body, headers={"Accept": "text/event-stream"}) as response:
            if response.status_code != 200:
                response.read()
                raise DemoFailed(f"POST {path}: {response.status_code} {response.text}")
            event = "message"
            for line in response.iter_lines():
                if line.startswith("event:"):
                    event = line.removeprefix("event:").strip()
                elif line.startswith("data:"):
                    yield event, json.loads(line.removeprefix("data:"))

    def say(self, session_id: str, content: str = "", intent: str | None = None) -> Json:
        """A whole answer at once."""
        body = {"content": content} | ({"intent": intent} if intent else {})
        return self._json("POST", f"/chat/sessions/{session_id}/messages", 201, json=body)

    @contextmanager
    def tab(self) -> Iterator[Iterator[Json]]:
        """An open WebSocket, as the frames that come over it."""
        ticket = self._json("POST", f"{self.url}/ws/ticket", 201)["ticket"]
        with connect(f"{self.url.replace('http', 'ws', 1)}/ws?ticket={ticket}") as socket:
            yield _heard(socket)

    def get(self, path: str, **parameters: Any) -> Json:
        """What stands at a path."""
        return self._json("GET", path, 200, params=parameters)

    def post(self, path: str, expected: int, **body: Any) -> Json:
        """What comes of a request."""
        return self._json("POST", path, expected, json=body)

    def put(self, path: str, **body: Any) -> Json:
        """What stands at a path from now on."""
        return self._json("PUT", path, 200, json=body)

    def propose(self, document_id: str, count: int) -> Json | None:
        """Cards that are proposed from a document; None where nothing in it makes one."""
        proposed = self._client.post(f"/chat/documents/{document_id}/flashcards", json={"count": count})
        if proposed.status_code == 422:
            return None
        if proposed.status_code != 201:
            raise DemoFailed(f"No cards are proposed: {proposed.status_code} {proposed.text}")
        proposal: Json = proposed.json()
        return proposal

    def leave(self, draft_id: str) -> None:
        """Reject a draft."""
        self._nothing(f"/flashcards/drafts/{draft_id}/reject")

    def verify(self, token: str) -> None:
        """Confirm the address with what the mail's link holds."""
        self._nothing("/auth/verify-email", token=token)

    def local_mails(self) -> str | None:
        """The page that lists mails on a laptop; None where they are sent."""
        page = self._client.get("/mail")
        return page.text if page.status_code == 200 else None

    def _nothing(self, path: str, **body: Any) -> None:
        answer = self._client.post(path, json=body)
        if answer.status_code != 204:
            raise DemoFailed(f"POST {path}: expected 204, got {answer.status_code} {answer.text}")

    def _json(self, method: str, path: str, expected: int, **arguments: Any) -> Json:
        response = self._client.request(method, path, **arguments)
        if response.status_code != expected:
            raise DemoFailed(f"{method} {path}: expected {expected}, got {response.status_code} {response.text}")
        body: Json = response.json()
        return body


def _heard(socket: ClientConnection) -> Iterator[Json]:
    """The frames as they come; each second without one is a frame, too, so that nobody waits for ever."""
    while True:
        try:
            yield json.loads(socket.recv(timeout=1.0))
        except TimeoutError:
            yield {"type": "silence", "data": {}}
