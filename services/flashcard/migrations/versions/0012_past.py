"""What was reviewed elsewhere can be replayed by another algorithm. Cards that are here already keep the schedule that they came with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("card", sa.Column("base_options", JSONB(astext_type=sa.Text())))
    op.add_column("card", sa.Column("base_reviews", sa.Integer, nullable=False, server_default="0"))
    op.add_column("review", sa.Column("replayable", sa.Boolean, nullable=False, server_default=sa.false()))
