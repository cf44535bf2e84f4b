"""What auth can say of its users as they are now, for a consumer that was not there when they signed up."""

from collections.abc import Sequence
from uuid import UUID

from contracts.auth import UserDeleted, UserProfileChanged
from mesh import LAST_VERSION, Event, Snapshots
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from auth.accounts import profile_of
from auth.models import Account, Erasure

snapshots = Snapshots()


# Not `UserRegistered`: nobody signs up in a snapshot, and what greets newcomers is not to greet them again.
@snapshots.of(UserProfileChanged)
async def users(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Event]:
    """Every user's profile."""
    statement = select(Account).order_by(col(Account.id)).limit(limit)
    if after is not None:
        statement = statement.where(col(Account.id) > after)
    found = (await session.execute(statement)).scalars().all()
    return [UserProfileChanged(**profile_of(account)) for account in found]


@snapshots.of(UserDeleted)
async def deleted_users(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[Event]:
    """Every user who is gone: whoever missed it would keep what it knows of them."""
    statement = select(Erasure.user_id).order_by(col(Erasure.user_id)).limit(limit)
    if after is not None:
        statement = statement.where(col(Erasure.user_id) > after)
    gone = (await session.execute(statement)).scalars().all()
    return [UserDeleted(version=LAST_VERSION, user_id=user_id) for user_id in gone]
