"""A small server that speaks `POST /v1/embeddings`, and misbehaves as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

Json = dict[str, Any]


@dataclass
class Answer:
    """What a request gets instead of vectors."""

    status: int
    body: Any = field(default_factory=lambda: {"error": {"message": "said no"}})
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class EmbeddingServer:
    """`answers` are given first, one a request; then `change` may alter the right answer."""

    url: str = ""
    dimensions: int = 4
    answers: list[Answer] = field(default_factory=list)
    change: Callable[[Json], object] = lambda body: body
    hold: threading.Event | None = None
    requests: list[Json] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    def vectors(self, request: Json) -> Json:
        """Right vectors, not normalised, in no particular order."""
        size = request.get("dimensions", self.dimensions)
        rows = [
            {"object": "embedding", "index": index, "embedding": vector_of(text, size)}
            for index, text in enumerate(request["input"])
        ]
        return {
            "object": "list",
            "model": request["model"],
            "data": rows[::-1],
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }


def vector_of(text: str, size: int = 4) -> list[float]:
    return [byte / 16 + 0.5 for byte in sha256(text.encode()).digest()[:size]]


@contextmanager
def embedding_server() -> Iterator[EmbeddingServer]:
    """The server on a port of its own, until the block ends."""
    state = EmbeddingServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.requests.append(request)
            state.times.append(monotonic())
            state.keys.append(self.headers["Authorization"])
            if state.hold is not None:
                state.hold.wait(10)
            answer = state.answers.pop(0) if state.answers else Answer(200, state.vectors(request))
            if answer.status == 200:
                state.change(answer.body)
            content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in (
                {"Content-Type": "application/json", "Content-Length": str(len(content))} | answer.headers
            ).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Silent."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that has hung up is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        if state.hold is not None:
            state.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()
