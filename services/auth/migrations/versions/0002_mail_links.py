"""Links in mails, and when somebody has shown to read mail at the account's address."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # Nobody has shown it yet: whoever signed up before asks for a link.
    op.add_column("account", sa.Column("email_verified_at", MOMENT))
    op.create_table(
        "mail_link",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "kind", name="pk_mail_link"),
        sa.UniqueConstraint("digest", name="uq_mail_link_digest"),
        sa.ForeignKeyConstraint(["user_id"], ["account.id"], name="fk_mail_link_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_mail_link_expires_at", "mail_link", ["expires_at"])
