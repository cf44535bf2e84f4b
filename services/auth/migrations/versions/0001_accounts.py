"""Accounts, sessions and their tokens, signing keys, revocations, the audit log, and the tables of the mesh."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _accounts()
    _sessions()
    _keys_and_audit()
    _mesh()


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("day_starts_at", sa.Integer, nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("suspended_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("email_key", name="uq_account_email_key"),
    )
    op.create_index("ix_account_created_at_id", "account", ["created_at", "id"])


def _sessions() -> None:
    op.create_table(
        "user_session",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("user_agent", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("tokens_expire_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
        sa.Column("revoked_reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_user_session"),
        sa.ForeignKeyConstraint(["user_id"], ["account.id"], name="fk_user_session_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_user_session_user_id_created_at_id", "user_session", ["user_id", "created_at", "id"])
    op.create_index("ix_user_session_expires_at", "user_session", ["expires_at"])
    op.create_table(
        "refresh_token",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.Column("successor_sealed", sa.Text),
        sa.PrimaryKeyConstraint("digest", name="pk_refresh_token"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["user_session.id"], name="fk_refresh_token_session_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_refresh_token_session_id", "refresh_token", ["session_id"])
    op.create_index("ix_refresh_token_expires_at", "refresh_token", ["expires_at"])
    op.create_table(
        "revocation",
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=False),
        sa.Column("tokens_expire_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_revocation"),
    )
    op.create_index("ix_revocation_tokens_expire_at", "revocation", ["tokens_expire_at"])


def _keys_and_audit() -> None:
    op.create_table(
        "signing_key",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("public_jwk", postgresql.JSONB, nullable=False),
        sa.Column("private_sealed", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("signs_from", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_key"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("subject_id", sa.Uuid),
        sa.Column("address", sa.Text),
        sa.Column("detail", postgresql.JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_subject_id_id", "audit_entry", ["subject_id", "id"])
    op.create_index("ix_audit_entry_at", "audit_entry", ["at"], postgresql_using="brin")


def _mesh() -> None:
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("dataschema", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("aggregate_version", sa.Integer, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("traceparent", sa.Text),
        sa.Column("tracestate", sa.Text),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("lease", sa.Uuid),
        sa.Column("leased_until", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.PrimaryKeyConstraint("position", name="pk_outbox"),
    )
    op.create_index("ix_outbox_unsent", "outbox", ["position"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_index("ix_outbox_created_at", "outbox", ["created_at"], postgresql_using="brin")
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("received_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"], postgresql_using="brin")
