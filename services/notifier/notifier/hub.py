"""The open sockets of this process: who gets a push, and what happens to one who does not keep up.

Nothing here waits. A frame is put into the queue of each of the student's sockets; a socket whose queue is full is told to end.
"""

import asyncio
from collections.abc import Sequence, Set
from uuid import UUID
from weakref import WeakValueDictionary

from chassis.errors import TooManyRequests, Unavailable

from notifier.metrics import FRAMES, SOCKETS, TOO_SLOW

# Frames with the number of the notification that each is of, in that order.
Untold = Sequence[tuple[int, str]]


class TooManySockets(TooManyRequests):
    type, title = "too-many-sockets", "Too many open sockets"


class HubFull(Unavailable):
    type, title = "hub-full", "Too many open sockets here"


class Connection:
    """One open socket: a queue of frames that somebody else writes to it."""

    def __init__(self, user_id: UUID, most_waiting: int) -> None:
        self.user_id = user_id
        self.known: int | None = None
        """Notifications up to this number have been told of; None until it is known where the client stands."""
        self.too_slow = asyncio.Event()
        self._waiting: asyncio.Queue[str] = asyncio.Queue(most_waiting)

    def offer(self, frame: str, *, lossy: bool) -> None:
        """Put a frame into the queue. News that may be lost is dropped when half of it is full."""
        if lossy and self._waiting.qsize() * 2 >= self._waiting.maxsize:
            FRAMES.labels("dropped").inc()
            return
        try:
            self._waiting.put_nowait(frame)
        except asyncio.QueueFull:
            if not self.too_slow.is_set():
                TOO_SLOW.inc()
            self.too_slow.set()

    def take(self, untold: Untold) -> list[str]:
        """Those frames whose notification this socket was not told of yet; from now on it was."""
        if self.known is None or not untold:
            return []
        known, self.known = self.known, max(self.known, untold[-1][0])
        return [frame for number, frame in untold if number > known]

    async def next(self) -> str:
        """The next frame, as soon as there is one."""
        frame = await self._waiting.get()
        FRAMES.labels("sent").inc()
        return frame


class Hub:
    """All sockets of this process, bounded in number."""

    def __init__(self, *, most: int, most_per_user: int, most_waiting: int) -> None:
        self._most = most
        self._most_per_user = most_per_user
        self._most_waiting = most_waiting
        self._of_user: dict[UUID, set[Connection]] = {}
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._open = 0

    def __len__(self) -> int:
        return self._open

    @property
    def users(self) -> Set[UUID]:
        """Students with an open socket here."""
        return self._of_user.keys()

    def turn(self, user_id: UUID) -> asyncio.Lock:
        """Held from reading something for a student's tabs until it is told: what was read first is heard first."""
        return self._turns.setdefault(user_id, asyncio.Lock())

    def admit(self, user_id: UUID) -> Connection:
        """A place for one more socket, until `leave`. Raises `TooManySockets` or `HubFull`."""
        if self._open >= self._most:
            raise HubFull("This process has all the sockets that it can hold. Try again in a few seconds.")
        if len(self._of_user.get(user_id, ())) >= self._most_per_user:
            raise TooManySockets(
                f"You have {self._most_per_user} sockets open already. Close a tab, or share one socket among tabs.",
                retry_after=10,
            )
        connection = Connection(user_id, self._most_waiting)
        self._of_user.setdefault(user_id, set()).add(connection)
        self._count(1)
        return connection

    def leave(self, connection: Connection) -> bool:
        """The socket is gone; whether it was the student's last here."""
        sockets = self._of_user[connection.user_id]
        sockets.remove(connection)
        self._count(-1)
        if sockets:
            return False
        del self._of_user[connection.user_id]
        return True

    def known(self, user_id: UUID) -> int | None:
        """What all of a student's sockets here were told of; None where nobody waits for notifications."""
        return min((one.known for one in self._of_user.get(user_id, ()) if one.known is not None), default=None)

    def tell(self, user_id: UUID, untold: Untold) -> None:
        """To each of a student's sockets what it was not told of yet."""
        for connection in self._of_user.get(user_id, ()):
            for frame in connection.take(untold):
                connection.offer(frame, lossy=False)

    def push(self, user_id: UUID, frame: str, *, lossy: bool = False) -> None:
        """A frame for every socket of a student."""
        for connection in self._of_user.get(user_id, ()):
            connection.offer(frame, lossy=lossy)

    def push_to_all(self, frame: str) -> None:
        """A frame for everybody."""
        for user_id in self._of_user:
            self.push(user_id, frame)

    def _count(self, change: int) -> None:
        self._open += change
        SOCKETS.set(self._open)
