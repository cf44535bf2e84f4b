"""What a student thinks of an answer, and what a message wants beside its words."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("message", sa.Column("wanted", postgresql.JSONB))
    op.add_column("message", sa.Column("helpful", sa.Boolean))
    op.add_column("message", sa.Column("comment", sa.Text))
    op.add_column("message", sa.Column("rated_at", sa.DateTime(timezone=True)))
