"""Pages of sessions and messages as students see them, each in a bounded number of queries."""

from collections.abc import Sequence
from uuid import UUID

from chassis.identity import User
from chassis.paging import Page, PageRequest
from sqlmodel.ext.asyncio.session import AsyncSession

from chat.models import StudySession
from chat.schemas import MessageOut, Order, SessionOut, cited_documents, message_out, session_out
from chat.sessions import Sessions
from chat.shelf import StudentShelf


async def sessions(session: AsyncSession, user: User, page: PageRequest) -> Page[SessionOut]:
    """The student's sessions, the last used first."""
    rows = await Sessions(session, user.id).page(page)
    known = {item.id: item for item in await shown(session, user, rows)}
    return page.cut(rows, lambda row: known[row.id], lambda row: (row.updated_at.isoformat(), str(row.id)))


async def messages(
    session: AsyncSession, user: User, session_id: UUID, page: PageRequest, order: Order
) -> Page[MessageOut]:
    """What was said in a session. Raises `NoSuchSession`."""
    rows = await Sessions(session, user.id).messages(session_id, page, order)
    gone = await StudentShelf(session, user.id).gone(cited_documents(rows))
    return page.cut(rows, lambda row: message_out(row, gone), lambda row: (row.position,))


async def shown(session: AsyncSession, user: User, rows: Sequence[StudySession]) -> list[SessionOut]:
    """Sessions with the titles of their documents."""
    titles = await StudentShelf(session, user.id).titles({document for row in rows for document in row.document_ids})
    return [session_out(row, titles) for row in rows]
