"""What a service keeps of a user, as a copy to take away, and its end: both by looking at every table that names the user.

A table that is added later is in both without anybody thinking of it: a column `user_id` is the mark. What has none is nobody's.
"""

import gzip
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from logging import getLogger
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from mesh.inventories import GONE
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Uuid,
    delete,
    false,
    func,
    literal,
    null,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel.ext.asyncio.session import AsyncSession as OwnSession

from chassis.database import Database, SessionDep
from chassis.errors import NotFound
from chassis.identity import CurrentUser

log = getLogger(__name__)
KEEP = timedelta(days=7)
KEPT = "kept"
# Longer than an access token lasts, and whatever was begun before an account ended.
_LATE = timedelta(hours=1)
_ERASED_AGAIN_AT_ONCE = 500
_OURS = frozenset({"erased_user", "data_export", "idempotency_key"})


def personal_data_tables(metadata: MetaData) -> None:
    """The tables on a service's own metadata; its migration creates them."""
    Table(
        "data_export",
        metadata,
        Column("export_id", Uuid, primary_key=True),
        Column("user_id", Uuid, nullable=False),
        Column("content", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    )
    Table(
        "erased_user",
        metadata,
        Column("user_id", Uuid, primary_key=True),
        Column("erased_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("settled", Boolean, nullable=False, server_default=false()),
    )


_metadata = MetaData()
personal_data_tables(_metadata)
_exports, _erased = _metadata.tables["data_export"], _metadata.tables["erased_user"]

_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('user ' || CAST(:user AS text), 0))")
_TOGETHER = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('user ' || CAST(:user AS text), 0))")


class ExportNotReady(NotFound):
    type, title = "export-not-ready", "No such export"


async def prepare_export(
    session: AsyncSession, metadata: MetaData, export_id: UUID, user_id: UUID, *, without: Collection[str] = ()
) -> int:
    """Make the copy ready: a line of JSON for each row that names the user. How many bytes it has, compressed.

    `without` names tables that say nothing that others do not, such as vectors. Bytes are left out: they are digests and seals.
    For a user who is gone there is none.
    """
    if await is_erased(session, user_id):
        return 0
    lines: list[str] = []
    for table in _tables_of_users(metadata):
        if table.name not in without:
            lines += [_line(table, row) for row in await _rows(session, table, user_id)]
    content = gzip.compress("".join(lines).encode())
    kept = insert(_exports).values(export_id=export_id, user_id=user_id, content=content).on_conflict_do_nothing()
    await session.execute(kept)
    return len(content)


async def erase_user(session: AsyncSession, metadata: MetaData, user_id: UUID, *, keep: Collection[str] = ()) -> None:
    """Delete every row that names the user, but those of the tables in `keep`, and remember that the user is gone."""
    await session.execute(_ALONE, {"user": str(user_id)})
    await session.execute(insert(_erased).values(user_id=user_id).on_conflict_do_nothing())
    for table in reversed(_tables_of_users(metadata)):
        if table.name not in keep:
            await session.execute(delete(table).where(table.c.user_id == user_id))
    for name in ("data_export", "idempotency_key"):
        if (table_of_ours := metadata.tables.get(name)) is not None:
            await session.execute(delete(table_of_ours).where(table_of_ours.c.user_id == user_id))


async def erase_again(database: Database, erase: Callable[[OwnSession, UUID], Awaitable[None]]) -> None:
    """Erase those who are gone once more, each in a transaction of its own, until that was done an hour after they went: a request that
    was under way, or came past the gateway with a token that had not expired, may have left rows after all was erased. The role
    `scheduler` calls it, however late. Who cannot be erased is logged and tried again, and keeps nobody else waiting."""
    gone = select(_erased.c.user_id).where(~_erased.c.settled).order_by(_erased.c.erased_at)
    async with database.transaction() as session:
        users = (await session.scalars(gone.limit(_ERASED_AGAIN_AT_ONCE))).all()
    for user_id in users:
        # By the database's clock, as `erased_at` is.
        again = update(_erased).where(_erased.c.user_id == user_id)
        try:
            async with database.transaction() as session:
                await erase(session, user_id)
                await session.execute(again.values(settled=_erased.c.erased_at < func.now() - _LATE))
        except Exception:
            log.warning("user %s cannot be erased again, and is tried again", user_id, exc_info=True)


async def is_erased(session: AsyncSession, user_id: UUID) -> bool:
    """Whether the user is gone: news that comes late makes no new rows.

    Until the transaction ends nobody is erased who was there: rows that it is about to write would not be seen, and stay.
    """
    await session.execute(_TOGETHER, {"user": str(user_id)})
    return (await session.execute(select(_erased.c.user_id).where(_erased.c.user_id == user_id))).first() is not None


def known_users(*kept: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """The inventory of users for `mesh audit`: those who are erased, and those of whom something is kept.

    Each of `kept` selects a user's id and the version of a profile, or NULL. Who is erased and of whom something is left, is kept.
    """
    gone = select(
        _erased.c.user_id.label("user_id"), null().cast(Integer).label("version"), literal(GONE).label("state")
    )
    there = [select(id_, version.cast(Integer), literal(KEPT)) for id_, version in (rows.subquery().c for rows in kept)]
    users = union_all(gone, *there).subquery()
    # The later word of the two is "kept".
    return select(users.c.user_id, func.max(users.c.version), func.max(users.c.state)).group_by(users.c.user_id)


async def forget_old_exports(session: AsyncSession, now: datetime) -> None:
    """Delete copies that nobody fetched for a week; the `scheduler` role calls it."""
    await session.execute(delete(_exports).where(_exports.c.created_at < now - KEEP))


def export_router(service: str) -> APIRouter:
    """The endpoint that gives a user the service's part of an export."""
    router = APIRouter(tags=["users"])

    @router.get(f"/users/me/exports/{{export_id}}/{service}", response_class=Response, name=f"get_export_of_{service}")
    async def get_export(export_id: UUID, user: CurrentUser, session: SessionDep) -> Response:
        """A part of an export: JSON lines, compressed by gzip."""
        mine = select(_exports.c.content).where(_exports.c.export_id == export_id, _exports.c.user_id == user.id)
        content = (await session.execute(mine)).scalar_one_or_none()
        if content is None:
            raise ExportNotReady(
                "This part of the export is not ready, or no longer kept. GET /users/me/exports/{id} tells."
            )
        named = {
            "Content-Disposition": f'attachment; filename="studyteddy-{service}.jsonl.gz"',
            "Cache-Control": "no-store",
        }
        return Response(content, media_type="application/gzip", headers=named)

    return router


def _tables_of_users(metadata: MetaData) -> list[Table]:
    return [table for table in metadata.sorted_tables if "user_id" in table.c and table.name not in _OURS]


async def _rows(session: AsyncSession, table: Table, user_id: UUID) -> list[Mapping[str, Any]]:
    columns = [column for column in table.c if not isinstance(column.type, LargeBinary)]
    found = await session.execute(select(*columns).where(table.c.user_id == user_id))
    return [dict(row) for row in found.mappings()]


def _line(table: Table, row: Mapping[str, Any]) -> str:
    shown = {name: value for name, value in row.items() if value is not None and not name.endswith("_sealed")}
    return json.dumps({"table": table.name, **shown}, default=_plain, ensure_ascii=False) + "\n"


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
