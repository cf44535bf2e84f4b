"""A worker and a scheduler in a process of their own, to be killed: the real ones, with a model that only takes time."""

import asyncio
import os
import signal
from collections.abc import Sequence

from chassis.clock import system_clock
from chassis.database import Database
from chassis.identity import TokenVerifier
from chassis.storage import Storage
from devstack.identities import new_signing_key
from ingestion.app import Parts, sweeper, work
from ingestion.embedding import Vectors
from ingestion.index import PassageIndex
from ingestion.jobs import Jobs
from ingestion.likeness import LocalLikeness
from ingestion.models import SCHEMA
from ingestion.settings import Settings

from .service_under_test import KnownKeys, NothingFound, WordHashes


class SlowWordHashes(WordHashes):
    async def embed_passages(self, texts: Sequence[str]) -> list[Vectors]:
        if any("deadly" in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(0.02 * len(texts))
        return await super().embed_passages(texts)


async def main() -> None:
    settings = Settings()
    database = Database(settings.database_url, schema=SCHEMA)
    model = SlowWordHashes()
    parts = Parts(
        settings=settings,
        database=database,
        storage=Storage(settings.storage),
        jobs=Jobs(settings.redis_url),
        embedder=model,
        index=PassageIndex(settings, database, model),
        search=NothingFound(),
        local_search=NothingFound(),
        likeness=LocalLikeness(model),
        verifier=TokenVerifier(KnownKeys(new_signing_key())),
        clock=system_clock,
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await asyncio.gather(work(parts, stop), sweeper(parts).run(settings.sweep_seconds, stop))
    await parts.jobs.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
