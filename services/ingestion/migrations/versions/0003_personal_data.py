"""What a user takes away, and who is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "data_export",
        sa.Column("export_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("export_id", name="pk_data_export"),
    )
    op.create_index("ix_data_export_created_at", "data_export", ["created_at"])
    op.create_table(
        "erased_user",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("erased_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("user_id", name="pk_erased_user"),
    )
