"""What auth can say of its users as they are now, for a consumer that was not there when they signed up."""

from collections.abc import Sequence
from uuid import UUID

from contracts.auth import UserProfileChanged
from mesh import Event, Snapshots
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from auth.accounts import profile_of
from auth.models import Account

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
