"""Cards that were proposed and wait."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("place", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("proposal_id", sa.Uuid),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("source", postgresql.JSONB),
        sa.Column("document_id", sa.Uuid),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("rejected", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_draft"),
        sa.UniqueConstraint("user_id", "fingerprint", name="uq_draft_user_id_fingerprint"),
    )
    op.create_index("ix_draft_user_id_place", "draft", ["user_id", "place"], postgresql_where=sa.text("NOT rejected"))
