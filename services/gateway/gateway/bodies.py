"""A request's body on its way to the service."""

from chassis.errors import TooLarge

from gateway.upstream import UpstreamConnection

_LAST_CHUNK = b"0\r\n\r\n"


class NoBody:
    """The body of a request that has none; one for all."""

    is_complete = True

    def expect(self, *, chunked: bool, limit: int | None) -> None:
        """See `RequestBody`."""

    def arrive(self, piece: bytes) -> bool:
        """See `RequestBody`."""
        return True

    def attach(self, upstream: UpstreamConnection) -> None:
        """See `RequestBody`."""

    def complete(self) -> None:
        """See `RequestBody`."""

    def drop(self) -> None:
        """See `RequestBody`."""

    def pause(self, now: float) -> None:
        """See `RequestBody`."""

    def resume(self, now: float) -> None:
        """See `RequestBody`."""

    def deadline(self, now: float, *, idle: float, slowest: int) -> float:
        """See `RequestBody`."""
        return now + idle


NO_BODY = NoBody()


class RequestBody:
    """Passes pieces on; holds them only until there is a connection, while the client is not read."""

    __slots__ = ("_chunked", "_held", "_limit", "_paused_at", "_received", "_started_at", "_upstream", "is_complete")

    def __init__(self, *, now: float) -> None:
        self._chunked = False
        self._limit: int | None = None
        self._received = 0
        self._held: list[bytes] = []
        self._upstream: UpstreamConnection | None = None
        self._started_at = now
        self._paused_at: float | None = None
        self.is_complete = False

    def expect(self, *, chunked: bool, limit: int | None) -> None:
        """The request's framing, and the most bytes that it may have; None for a tunnel, which has no end."""
        self._chunked = chunked
        self._limit = limit

    def arrive(self, piece: bytes) -> bool:
        """The next piece; False where it must be held for now. Raises `TooLarge`."""
        self._received += len(piece)
        self._check_size()
        if self._upstream is None:
            self._held.append(piece)
            return False
        self._pass_on(piece)
        return True

    def attach(self, upstream: UpstreamConnection) -> None:
        """Pass on what was held, and the rest as it comes. Raises `TooLarge`, for what was held was not measured yet."""
        self._check_size()
        self._upstream = upstream
        for piece in self._held:
            self._pass_on(piece)
        self._held.clear()
        if self.is_complete:
            self._end()

    def complete(self) -> None:
        """The client has sent the last byte."""
        self.is_complete = True
        if self._upstream is not None:
            self._end()

    def drop(self) -> None:
        """What is still to come goes nowhere."""
        self._upstream = None
        self._held.clear()

    def pause(self, now: float) -> None:
        """The service does not take more; that is not the client's delay."""
        self._paused_at = now

    def resume(self, now: float) -> None:
        """The service takes more."""
        if self._paused_at is not None:
            self._started_at += now - self._paused_at
            self._paused_at = None

    def deadline(self, now: float, *, idle: float, slowest: int) -> float:
        """When to give up on the client: after a pause, or when it is slower on average than `slowest` bytes a second."""
        return min(now + idle, self._started_at + idle + self._received / slowest)

    def _check_size(self) -> None:
        if self._limit is not None and self._received > self._limit:
            raise TooLarge(f"The body may have {self._limit} bytes here; this one has more.")

    def _pass_on(self, piece: bytes) -> None:
        assert self._upstream is not None
        if self._chunked:
            self._upstream.write(b"%x\r\n" % len(piece))
            self._upstream.write(piece)
            self._upstream.write(b"\r\n")
        else:
            self._upstream.write(piece)

    def _end(self) -> None:
        if self._chunked and self._upstream is not None:
            self._upstream.write(_LAST_CHUNK)
