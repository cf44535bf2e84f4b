"""Wishes for a new vector index."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "rebuild",
        sa.Column("number", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("embed_up_to", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_rebuild"),
    )
