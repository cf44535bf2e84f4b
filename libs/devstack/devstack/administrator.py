"""A superuser's connection to PostgreSQL."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self

import asyncpg


class Administrator:
    """A superuser's connection, used from synchronous code: it has an event loop of its own in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="devstack-administrator", daemon=True)
        self._thread.start()
        try:
            self._connection: asyncpg.Connection[asyncpg.Record] = self._run(asyncpg.connect(url, timeout=10))
        except BaseException:
            self._end_loop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def execute(self, statement: str) -> None:
        self._run(self._connection.execute(statement))

    def value(self, query: str, *arguments: object) -> Any:
        """The first column of the first row; None when there is none."""
        return self._run(self._connection.fetchval(query, *arguments))

    def close(self) -> None:
        self._run(self._connection.close(timeout=5))
        self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
