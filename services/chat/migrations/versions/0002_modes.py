"""What a message wants beside its words, and what a mode keeps with its answer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("message", sa.Column("intent", sa.Text))
    op.add_column("message", sa.Column("details", postgresql.JSONB))
