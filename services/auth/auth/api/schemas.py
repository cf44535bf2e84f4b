"""What endpoints show of rows."""

from datetime import datetime
from typing import Self
from uuid import UUID

from contracts.auth import Role
from pydantic import BaseModel

from auth.models import Account


class UserOut(BaseModel):
    """A user, as they see themselves."""

    id: UUID
    email: str
    name: str
    time_zone: str
    day_starts_at: int
    roles: list[Role]
    created_at: datetime

    @classmethod
    def of(cls, account: Account) -> Self:
        """The account's public side."""
        return cls.model_validate(account, from_attributes=True)
