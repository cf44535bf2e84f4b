"""The rows of auth."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import mesh
from chassis.database import table_registry
from contracts.auth import Role
from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

SCHEMA = "auth"
tables = table_registry()
mesh.tables(tables.metadata)


class Row(SQLModel, registry=tables):
    """Base of this service's tables."""


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class Account(Row, table=True):
    """A user. `version` counts the profile's facts (events) and changes under the row's lock."""

    __tablename__ = "account"
    __table_args__ = (Index("ix_account_created_at_id", "created_at", "id"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    email: str = Field(sa_type=Text)
    email_key: str = Field(sa_type=Text, unique=True)
    name: str = Field(sa_type=Text)
    password_hash: str = Field(sa_type=Text)
    time_zone: str = Field(sa_type=Text)
    day_starts_at: int
    roles: list[Role] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    version: int = 1
    suspended_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    email_verified_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())

    @property
    def email_verified(self) -> bool:
        """Whether the user has shown to read mail at this address."""
        return self.email_verified_at is not None


class MailLink(Row, table=True):
    """The link of a kind that was last mailed to a user, by the SHA-256 of its token. It is used up under the account's row lock."""

    __tablename__ = "mail_link"
    __table_args__ = (Index("ix_mail_link_expires_at", "expires_at"),)

    user_id: UUID = Field(sa_column=Column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True))
    kind: str = Field(sa_type=Text, primary_key=True)
    digest: bytes = Field(sa_column=Column(LargeBinary, unique=True, nullable=False))
    email_key: str = Field(sa_type=Text)
    expires_at: datetime = Field(sa_column=_moment())


class UserSession(Row, table=True):
    """A device that is signed in, and the family of its refresh tokens. Rotation and revocation lock this row.

    `expires_at` moves with use. `tokens_expire_at` is when the last access token that was signed for it expires.
    """

    __tablename__ = "user_session"
    __table_args__ = (
        Index("ix_user_session_user_id_created_at_id", "user_id", "created_at", "id"),
        Index("ix_user_session_expires_at", "expires_at"),
    )

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID = Field(sa_column=Column(ForeignKey("account.id", ondelete="CASCADE"), nullable=False))
    user_agent: str | None = Field(default=None, sa_type=Text)
    address: str | None = Field(default=None, sa_type=Text)
    version: int = 1
    created_at: datetime = Field(sa_column=_moment())
    last_used_at: datetime = Field(sa_column=_moment())
    expires_at: datetime = Field(sa_column=_moment())
    tokens_expire_at: datetime = Field(sa_column=_moment())
    revoked_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    revoked_reason: str | None = Field(default=None, sa_type=Text)


class RefreshToken(Row, table=True):
    """One link of a family's chain, by the SHA-256 of the token. It is used once; its row stays so that reuse is seen.

    `successor_sealed` is the token that took its place, for a repetition within the grace; it goes when that one is used.
    """

    __tablename__ = "refresh_token"
    __table_args__ = (
        Index("ix_refresh_token_session_id", "session_id"),
        Index("ix_refresh_token_expires_at", "expires_at"),
    )

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    session_id: UUID = Field(sa_column=Column(ForeignKey("user_session.id", ondelete="CASCADE"), nullable=False))
    issued_at: datetime = Field(sa_column=_moment())
    expires_at: datetime = Field(sa_column=_moment())
    used_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    successor_sealed: str | None = Field(default=None, sa_type=Text)


class Revocation(Row, table=True):
    """A session whose access tokens are void although they have not expired. No foreign key: it outlives the session."""

    __tablename__ = "revocation"
    __table_args__ = (Index("ix_revocation_tokens_expire_at", "tokens_expire_at"),)

    session_id: UUID = Field(primary_key=True)
    user_id: UUID
    reason: str = Field(sa_type=Text)
    revoked_at: datetime = Field(sa_column=_moment())
    tokens_expire_at: datetime = Field(sa_column=_moment())


class SealedKey(Row, table=True):
    """A key that signs access tokens from `signs_from` until the next one's. The private half is sealed with the key ring."""

    __tablename__ = "signing_key"

    id: str = Field(sa_column=Column(Text, primary_key=True))
    public_jwk: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    private_sealed: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_column=_moment())
    signs_from: datetime = Field(sa_column=_moment())


class AuditEntry(Row, table=True):
    """Who did what to whom. `actor_id` is empty for what the service did by itself."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject_id_id", "subject_id", "id"),
        Index("ix_audit_entry_at", "at", postgresql_using="brin"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    at: datetime = Field(sa_column=_moment())
    action: str = Field(sa_type=Text)
    actor_id: UUID | None = None
    subject_id: UUID | None = None
    address: str | None = Field(default=None, sa_type=Text)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))


class Erasure(Row, table=True):
    """A user who is gone, and the services that have not said yet that they keep nothing of them. No foreign key: it outlives the account."""

    __tablename__ = "erasure"

    user_id: UUID = Field(primary_key=True)
    requested_at: datetime = Field(sa_column=_moment())
    waiting_for: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    finished_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class DataExport(Row, table=True):
    """A copy of everything that a user wants, and the services whose part is not ready yet."""

    __tablename__ = "data_export"
    __table_args__ = (Index("ix_data_export_user_id_requested_at", "user_id", "requested_at"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID = Field(sa_column=Column(ForeignKey("account.id", ondelete="CASCADE"), nullable=False))
    requested_at: datetime = Field(sa_column=_moment())
    waiting_for: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    ready: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
