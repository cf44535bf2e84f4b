"""What an answer cost, and an index to sum it up for a student."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("message", sa.Column("cost", sa.Numeric(18, 9)))
    op.create_index(
        "ix_message_user_id_finished_at",
        "message",
        ["user_id", "finished_at"],
        postgresql_where=sa.text("input_tokens IS NOT NULL"),
    )
