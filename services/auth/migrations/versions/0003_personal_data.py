"""Users who are gone, and copies of everything that users want."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("waiting_for", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("user_id", name="pk_erasure"),
    )
    op.create_table(
        "data_export",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("waiting_for", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("ready", sa.ARRAY(sa.Text), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["account.id"], name="fk_data_export_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_data_export"),
    )
    op.create_index("ix_data_export_user_id_requested_at", "data_export", ["user_id", "requested_at"])
