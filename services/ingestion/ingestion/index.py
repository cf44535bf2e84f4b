"""The index role: keeps the vector index equal to the passages in PostgreSQL, and answers searches from it."""

import asyncio
from typing import TYPE_CHECKING

from chassis.database import Database

from ingestion.embedding import Embedder

if TYPE_CHECKING:
    from ingestion.settings import Settings


class PassageIndex:
    """Made by the composition root in a process that has the `index` role; nothing is opened before `run`."""

    def __init__(self, settings: "Settings", database: Database, embedder: Embedder) -> None:
        raise NotImplementedError

    async def run(self, stop: asyncio.Event) -> None:
        """The role: owns the index, follows the passages, returns soon after `stop` is set."""
        raise NotImplementedError

    async def check(self) -> None:
        """Ready check: raises while the index is not open."""
        raise NotImplementedError
