"""Open streams by session: what must end when the session does."""

from typing import Protocol
from uuid import UUID

from gateway.metrics import STREAMS
from gateway.refusals import Overloaded


class Stream(Protocol):
    """A server-sent event stream or a WebSocket."""

    def end(self, reason: str) -> None:
        """Tell the client why, and close."""
        ...


class Streams:
    """All open streams of this gateway, bounded in number: each holds two connections for as long as it likes."""

    def __init__(self, *, most: int, most_per_session: int) -> None:
        self._most = most
        self._most_per_session = most_per_session
        self._open: dict[Stream, UUID | None] = {}
        self._of_session: dict[UUID, set[Stream]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, stream: Stream, session_id: UUID | None) -> None:
        """Keep the stream in mind until `discard`; raises `Overloaded` where there are too many."""
        of_session = self._of_session.get(session_id, set()) if session_id else set()
        if len(self._open) >= self._most or len(of_session) >= self._most_per_session:
            raise Overloaded("There are too many open streams. Close one, or try again in a few seconds.")
        self._open[stream] = session_id
        if session_id is not None:
            self._of_session.setdefault(session_id, set()).add(stream)
        STREAMS.set(len(self._open))

    def discard(self, stream: Stream) -> None:
        """The stream has ended."""
        session_id = self._open.pop(stream, None)
        STREAMS.set(len(self._open))
        if session_id is None:
            return
        of_session = self._of_session.get(session_id, set())
        of_session.discard(stream)
        if not of_session:
            self._of_session.pop(session_id, None)

    def end_session(self, session_id: UUID) -> None:
        """End every stream of the session."""
        for stream in list(self._of_session.get(session_id, ())):
            stream.end("session-ended")

    def end_all(self, reason: str) -> None:
        """End every stream."""
        for stream in list(self._open):
            stream.end(reason)
