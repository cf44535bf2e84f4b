"""A document's text, part by part, whatever the file does to the processes that read it."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from logging import getLogger

from ingestion.failures import ReadingFailed
from ingestion.reading.children import ChildLost, Children
from ingestion.reading.frames import Finished, Opened, Order, Part, Refused

log = getLogger(__name__)


class Reading:
    """One document being read: tries the reader of choice, steps over pages that kill it, and ends in bounded time."""

    def __init__(self, children: Children, path: str, kind: str, first: int = 1) -> None:
        self._children = children
        self._limits = children.limits
        self._order = Order(path, kind, first)
        self._next = first
        self._opened: Opened | None = None
        self._crashes = 0
        self._waited = 0.0
        self._characters = 0

    async def parts(self) -> AsyncGenerator[Opened | Part]:
        """`Opened`, then every part from `first` on, each once, in order. Raises `ReadingFailed`."""
        order = self._order
        while True:
            try:
                async for frame in self._attempt(order):
                    yield frame
                if order.last is None:
                    return
                # The page that killed the first reader is behind us.
                order = replace(order, first=self._next, last=None, reader="first")
            except (ChildLost, TimeoutError) as lost:
                log.warning("reading part %d of %s: %r", self._next, order.kind, lost)
                self._crashes += 1
                if self._crashes > self._limits.crashes:
                    raise ReadingFailed("document-too-complex") from lost
                if order.reader == "last_resort" or order.kind != "pdf":
                    if self._opened is None or order.kind != "pdf":
                        raise ReadingFailed("document-too-complex") from lost
                    yield self._unreadable()
                    order = replace(order, first=self._next, last=None, reader="first")
                else:
                    order = self._with_last_resort(order)
            if self._opened is not None and self._next > self._opened.parts:
                return

    def _with_last_resort(self, order: Order) -> Order:
        """Only the page in question: the first reader is better at the others. All of it, if it could not be opened."""
        last = self._next if self._opened else None
        return replace(order, first=self._next, last=last, reader="last_resort")

    def _unreadable(self) -> Part:
        self._next += 1
        return Part(self._next - 1, None)

    async def _attempt(self, order: Order) -> AsyncGenerator[Opened | Part]:
        asked = time.monotonic()
        async with aclosing(self._children.frames(order)) as frames:
            async for frame in frames:
                self._waited += time.monotonic() - asked
                if self._waited > self._limits.total_seconds:
                    raise ReadingFailed("document-too-complex")
                match frame:
                    case Finished():
                        return
                    case Refused():
                        another = order.reader == "first" or self._opened is not None
                        if frame.final or order.kind != "pdf" or not another:
                            raise ReadingFailed(frame.code)
                        raise ChildLost(frame.code)
                    case Opened():
                        if self._opened is None:
                            self._opened = frame
                            yield frame
                    case Part():
                        yield self._counted(frame)
                asked = time.monotonic()

    def _counted(self, part: Part) -> Part:
        if part.number != self._next:
            raise ChildLost(f"part {part.number} came instead of {self._next}")
        self._next += 1
        self._characters += len(part.text or "")
        if self._characters > self._limits.characters:
            raise ReadingFailed("document-too-long")
        return part
