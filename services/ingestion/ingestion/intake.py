"""Taking a file in: stored first, then one transaction that makes it a document, or nothing at all."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import Problem
from chassis.storage import Storage
from mesh.tracing import current_context
from sqlmodel.ext.asyncio.session import AsyncSession

from ingestion.forms import IncomingFile
from ingestion.library import Library
from ingestion.models import Document, StrayFile
from ingestion.sweeping import discard
from ingestion.uploads import Upload, receive

MARGIN = timedelta(minutes=5)


class UploadTooSlow(Problem):
    type, status, title = "upload-too-slow", 408, "The upload took too long"


class Intake:
    """Receives uploads. `most` bytes a file, within `patience`."""

    def __init__(self, *, database: Database, storage: Storage, clock: Clock, most: int, patience: timedelta) -> None:
        self._database = database
        self._storage = storage
        self._clock = clock
        self._patience = patience
        self.most = most

    async def take(
        self, file: IncomingFile, owner: UUID, settle: Callable[[AsyncSession, Document, bool], Awaitable[None]]
    ) -> tuple[Document, bool]:
        """The document of this file, and whether it is new.

        `settle` is awaited in the transaction that made or found it; what it raises undoes everything. A refused, cut or
        repeated upload leaves no file and no row.
        """
        document_id = uuid4()
        key = f"{owner}/{document_id}"
        async with self._database.transaction() as session:
            session.add(StrayFile(storage_key=key, delete_after=self._clock() + self._patience + MARGIN))
        owned = False
        try:
            upload = await self._receive(file, key)
            document, owned = await self._enter(upload, document_id, owner, settle)
            return document, owned
        finally:
            if not owned:
                await asyncio.shield(discard(self._database, self._storage, key))

    async def _receive(self, file: IncomingFile, key: str) -> Upload:
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await receive(file, self._storage, key, most=self.most)
        except TimeoutError as error:
            raise UploadTooSlow(
                "The upload took too long. Check your connection, or send a smaller file, and try again."
            ) from error

    async def _enter(
        self,
        upload: Upload,
        document_id: UUID,
        owner: UUID,
        settle: Callable[[AsyncSession, Document, bool], Awaitable[None]],
    ) -> tuple[Document, bool]:
        while True:
            async with self._database.transaction() as session:
                library = Library(session, owner)
                traceparent = current_context().get("traceparent")
                new = await library.add(upload, document_id, self._clock(), traceparent)
                document = new or await library.with_bytes(upload.sha256)
                if document is not None:
                    await settle(session, document, new is not None)
                    return document, new is not None
            # It was there a moment ago and has just been deleted: this upload is the new one.
