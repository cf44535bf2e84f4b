"""Dramatiq jobs: hints that a row asks for work. Losing one costs time, never a document."""

import asyncio
from collections.abc import Callable, Coroutine
from logging import getLogger
from typing import Any
from uuid import UUID

import redis
from dramatiq import Actor, Worker
from dramatiq.brokers.redis import RedisBroker
from redis.backoff import NoBackoff
from redis.retry import Retry

log = getLogger(__name__)
Process = Callable[[UUID], Coroutine[Any, Any, None]]
QUEUE = "documents"
# Milliseconds; how long an idle worker may sleep before it looks for a hint.
IDLE = 100
STOP_SECONDS = 15.0


class Jobs:
    """Sends hints, and in the role `worker` follows them. Rows hold the retries, so no middleware of Dramatiq's is used."""

    def __init__(self, redis_url: str) -> None:
        # No retries: who uploads does not wait for a Redis that is away.
        client = redis.Redis.from_url(
            redis_url, socket_timeout=5, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        self._broker = RedisBroker(client=client, namespace="ingestion", middleware=[])  # type: ignore[no-untyped-call]  # Dramatiq leaves its constructor untyped
        self._process: Process | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._actor = Actor(
            self._read_document,
            broker=self._broker,
            actor_name="read_document",
            queue_name=QUEUE,
            priority=0,
            options={},
        )

    async def hint(self, document_id: UUID) -> None:
        """Say that the document waits. Where Redis is away the sweeper will say it later."""
        try:
            await asyncio.to_thread(self._actor.send, str(document_id))
        except redis.RedisError as error:
            log.warning("no hint for document %s: %r", document_id, error)

    async def work(self, process: Process, documents: int, stop: asyncio.Event) -> None:
        """Process what is hinted at, so many documents at a time, until `stop` is set and what is in flight is put back."""
        self._process = process
        self._loop = asyncio.get_running_loop()
        worker = Worker(self._broker, worker_timeout=IDLE, worker_threads=documents)
        worker.start()
        try:
            await stop.wait()
        finally:
            await asyncio.to_thread(worker.stop, int(STOP_SECONDS * 1000))

    async def check(self) -> None:
        """Raise unless Redis answers."""
        await asyncio.to_thread(self._broker.client.ping)

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._broker.client.close)

    def _read_document(self, document_id: str) -> None:
        # On a thread of Dramatiq's; the work itself is done on the process's event loop.
        assert self._process is not None
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._process(UUID(document_id)), self._loop).result()
