"""The open WebSockets of this process: bounded, and ended with the session or the token that opened them."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.clock import Clock
from chassis.errors import TooManyRequests, Unauthorized
from chassis.identity import Principal, User, user_of

Close = Callable[[str], Coroutine[Any, Any, None]]
_MINUTE = 60.0


class TooManySockets(TooManyRequests):
    type, title = "too-many-sockets", "Too many open sockets"


class TooManyOperations(TooManyRequests):
    type, title = "too-many-operations", "Too many operations over WebSockets"


class OpenSocket:
    """One socket of a student, until `leave`."""

    def __init__(self, user: User, close: Close) -> None:
        self.user = user
        self._close = close
        self._closing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def end(self, reason: str) -> None:
        """Close it soon, saying why."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(reason))

    def end_in(self, seconds: float) -> None:
        """Close it when its token expires."""
        self._timer = asyncio.get_running_loop().call_later(max(0.0, seconds), self.end, "token-expired")

    def release(self) -> None:
        """It is gone."""
        if self._timer is not None:
            self._timer.cancel()


class OpenSockets:
    """All of them. A session that was revoked opens none until its tokens have expired by themselves."""

    def __init__(self, clock: Clock, *, per_user: int, operations: int) -> None:
        self._clock = clock
        self._per_user = per_user
        self._operations = operations
        self._open: dict[UUID, set[OpenSocket]] = {}
        self._revoked: dict[UUID, datetime] = {}
        self._began: dict[UUID, list[float]] = {}

    def admit(self, principal: Principal, close: Close) -> OpenSocket:
        """A place for a student's socket. Raises `Unauthorized`, `Forbidden`, `TooManySockets`."""
        user = user_of(principal)
        if user.session_id in self._revoked:
            raise Unauthorized("This session has ended. Sign in again: POST /api/v1/auth/login.")
        sockets = self._open.setdefault(user.id, set())
        if len(sockets) >= self._per_user:
            raise TooManySockets(f"You have {self._per_user} sockets open already. Close one.", retry_after=10)
        socket = OpenSocket(user, close)
        socket.end_in((principal.expires_at - self._clock()).total_seconds())
        sockets.add(socket)
        return socket

    def leave(self, socket: OpenSocket) -> None:
        """The socket is gone."""
        socket.release()
        sockets = self._open.get(socket.user.id, set())
        sockets.discard(socket)
        if not sockets:
            self._open.pop(socket.user.id, None)

    def charge(self, user_id: UUID) -> None:
        """One more operation of a student over any socket here. Raises `TooManyOperations` beyond the quota of a minute."""
        now = asyncio.get_running_loop().time()
        self._began = {user: began for user, began in self._began.items() if began[-1] > now - _MINUTE}
        began = [moment for moment in self._began.get(user_id, ()) if moment > now - _MINUTE]
        if len(began) >= self._operations:
            wait = int(began[0] + _MINUTE - now) + 1
            raise TooManyOperations(
                f"Over WebSockets you may begin {self._operations} operations a minute. Wait {wait} s.",
                retry_after=wait,
            )
        self._began[user_id] = [*began, now]

    def end_session(self, session_id: UUID, tokens_expire_at: datetime) -> None:
        """Close what the session has open, and open nothing for it again."""
        now = self._clock()
        self._revoked = {ended: until for ended, until in self._revoked.items() if until > now}
        self._revoked[session_id] = tokens_expire_at
        for sockets in list(self._open.values()):
            for socket in [socket for socket in sockets if socket.user.session_id == session_id]:
                socket.end("session-ended")
