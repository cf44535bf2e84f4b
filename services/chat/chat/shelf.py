"""The documents that may be studied, as ingestion's events tell of them."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from chassis.errors import NotFound
from chassis.personal_data import is_erased
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from chat.models import ShelvedDocument


class NotOnTheShelf(NotFound):
    type, title = "document-not-found", "No such document to study"


class Shelf:
    """Every student's documents, for the events of ingestion. What is newer by the document's version wins, in any order."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def put(self, document_id: UUID, version: int, *, owner: UUID, title: str) -> None:
        """The document can be studied, unless its owner is gone."""
        if await is_erased(self._session, owner):
            return
        await self._keep(ShelvedDocument(document_id=document_id, user_id=owner, version=version, title=title))

    async def remove(self, document_id: UUID, version: int, *, owner: UUID) -> None:
        """The document is gone; a tombstone stays."""
        gone = ShelvedDocument(document_id=document_id, user_id=owner, version=version, title="", deleted=True)
        await self._keep(gone)

    async def _keep(self, news: ShelvedDocument) -> None:
        statement = insert(ShelvedDocument).values(news.model_dump())
        newer = statement.on_conflict_do_update(
            index_elements=["document_id"],
            set_={name: statement.excluded[name] for name in ("user_id", "version", "title", "deleted")},
            where=col(ShelvedDocument.version) < statement.excluded.version,
        )
        await self._session.execute(newer)


class StudentShelf:
    """One student's documents."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def choose(self, document_ids: Sequence[UUID]) -> list[UUID]:
        """The chosen documents, each once; raises `NotOnTheShelf` naming those that cannot be studied."""
        chosen = list(dict.fromkeys(document_ids))
        titles = await self.titles(chosen)
        if missing := [str(document) for document in chosen if document not in titles]:
            raise NotOnTheShelf(
                f"There is no document of yours that is ready to be studied with the id {', '.join(missing[:5])}. "
                "If you have just uploaded it, wait until it is ready.",
                document_ids=missing,
            )
        return chosen

    async def titles(self, document_ids: Iterable[UUID]) -> Mapping[UUID, str]:
        """The titles of those of the documents that are on the shelf."""
        return {known.document_id: known.title for known in await self._known(document_ids) if not known.deleted}

    async def gone(self, document_ids: Iterable[UUID]) -> set[UUID]:
        """Those of the documents that were deleted. One that was not heard of yet is not among them."""
        return {known.document_id for known in await self._known(document_ids) if known.deleted}

    async def _known(self, document_ids: Iterable[UUID]) -> Sequence[ShelvedDocument]:
        if not (wanted := list(document_ids)):
            return ()
        found = await self._session.execute(
            select(ShelvedDocument)
            .where(ShelvedDocument.user_id == self._owner)
            .where(col(ShelvedDocument.document_id).in_(wanted))
        )
        return found.scalars().all()
