"""`Idempotency-Key`: a creation that is sent twice happens once, and both get the same answer.

The key is scoped to user and route and kept in PostgreSQL, in the transaction of what it protects. A second request with the
same key waits on the first one's row, so two at once are one after the other.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import JSONResponse, Response

from chassis.database import SessionDep
from chassis.errors import Conflict
from chassis.identity import CurrentUser

KEEP = timedelta(days=1)


def idempotency_table(metadata: MetaData) -> Table:
    """The table on a service's own metadata; its migration creates it."""
    return Table(
        "idempotency_key",
        metadata,
        Column("user_id", Uuid, primary_key=True),
        Column("route", String, primary_key=True),
        Column("key", String, primary_key=True),
        Column("body_hash", LargeBinary, nullable=False),
        Column("status", Integer),
        Column("answer", JSONB),
        Column(
            "created_at",
            DateTime(timezone=True),
            nullable=False,
            server_default=func.now(),
            index=True,
        ),
    )


_metadata = MetaData()
_keys = idempotency_table(_metadata)


class KeyUsedOtherwise(Conflict):
    type = "idempotency-key-reused"


class StillWorking(Conflict):
    type = "idempotency-key-in-use"


class Idempotency:
    """One request's use of its key; without a key it does nothing."""

    def __init__(self, session: AsyncSession, user_id: UUID, route: str, key: str | None) -> None:
        self._session = session
        self._key = {"user_id": user_id, "route": route, "key": key} if key else None

    async def replay(self, fingerprint: BaseModel | bytes) -> Response | None:
        """The answer that the same request got before; None if it is the first.

        `fingerprint` is the body, or a hash of it for a streamed one. Raises `KeyUsedOtherwise` for another body, and
        `StillWorking` where the first request has committed its claim but has no answer yet.
        """
        if self._key is None:
            return None
        digest = hashlib.sha256(_bytes_of(fingerprint)).digest()
        claimed = insert(_keys).values(**self._key, body_hash=digest).on_conflict_do_nothing().returning(_keys.c.key)
        if (await self._session.execute(claimed)).first() is not None:
            return None
        return await self.answered(fingerprint)

    async def answered(self, fingerprint: BaseModel | bytes) -> Response | None:
        """As `replay`, but claims nothing: for work that is slow, done between two transactions, and claimed with its answer.

        A process that dies in between leaves no claim behind; of two requests at once both work, and the later is answered
        with what the first did.
        """
        if self._key is None:
            return None
        found = select(_keys.c.body_hash, _keys.c.status, _keys.c.answer).filter_by(**self._key)
        row = (await self._session.execute(found)).one_or_none()
        if row is None:
            return None
        if row.body_hash != hashlib.sha256(_bytes_of(fingerprint)).digest():
            raise KeyUsedOtherwise("This Idempotency-Key was used with another body. Use a new key for a new request.")
        if row.status is None:
            raise StillWorking("The request with this Idempotency-Key is still being worked on. Repeat it in a moment.")
        return JSONResponse(row.answer, status_code=row.status, headers={"Idempotency-Replayed": "true"})

    async def remember(self, answer: BaseModel, status: int = 201) -> None:
        """Keep the answer for a repetition, in the transaction of what was done."""
        if self._key is not None:
            kept = update(_keys).filter_by(**self._key).values(status=status, answer=answer.model_dump(mode="json"))
            await self._session.execute(kept)


async def forget_old_keys(session: AsyncSession, now: datetime) -> None:
    """Delete keys older than a day; the `scheduler` role calls it."""
    await session.execute(delete(_keys).where(_keys.c.created_at < now - KEEP))


def _bytes_of(fingerprint: BaseModel | bytes) -> bytes:
    if isinstance(fingerprint, bytes):
        return fingerprint
    return json.dumps(fingerprint.model_dump(mode="json"), sort_keys=True).encode()


async def _idempotency(
    request: Request,
    session: SessionDep,
    user: CurrentUser,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Idempotency:
    return idempotency_for(request, session, user.id, idempotency_key)


def idempotency_for(request: Request, session: AsyncSession, user_id: UUID, key: str | None) -> Idempotency:
    """For an endpoint that opens its own transactions."""
    return Idempotency(session, user_id, f"{request.method} {request.url.path}", key)


IdempotencyDep = Annotated[Idempotency, Depends(_idempotency)]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)]
