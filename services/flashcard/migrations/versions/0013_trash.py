"""What is deleted is kept for a while, to be put back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "deletion",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deck", sa.Text),
        sa.Column("decks", sa.Integer, nullable=False),
        sa.Column("cards", sa.Integer, nullable=False),
    )
    op.create_index("ix_deletion_user_id_deleted_at_id", "deletion", ["user_id", "deleted_at", "id"])
    op.create_index("ix_deletion_deleted_at", "deletion", ["deleted_at"])
    op.create_table(
        "deleted_row",
        sa.Column("deletion_id", sa.Uuid, sa.ForeignKey("deletion.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.Uuid, nullable=False, index=True),
        sa.Column("row", JSONB, nullable=False),
    )
