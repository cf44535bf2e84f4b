"""What endpoints take and show, where more than one does."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from contracts.auth import Role
from pydantic import AfterValidator, BaseModel, Field, SecretStr

from auth.models import Account
from auth.passwords import LONGEST, SHORTEST

PUBLIC = {"security": [], "x-rate-limit": "auth"}


def _unicode(secret: SecretStr) -> SecretStr:
    # JSON can hold half of a surrogate pair. No encoding can, and so no hash.
    try:
        secret.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode text") from None
    return secret


Unicode = AfterValidator(_unicode)
NewPassword = Annotated[
    SecretStr,
    Unicode,
    Field(description=f"{SHORTEST} to {LONGEST} characters; a short sentence is a good one"),
]
KnownPassword = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST), Unicode]
OpaqueToken = Annotated[SecretStr, Field(min_length=1, max_length=200), Unicode]


class UserOut(BaseModel):
    """A user, as they see themselves."""

    id: UUID
    email: str
    name: str
    time_zone: str
    day_starts_at: int
    roles: list[Role]
    email_verified: bool
    created_at: datetime

    @classmethod
    def of(cls, account: Account) -> Self:
        """The account's public side."""
        return cls.model_validate(account, from_attributes=True)


class MailOut(BaseModel):
    """What will happen, in a sentence for the person."""

    detail: str
