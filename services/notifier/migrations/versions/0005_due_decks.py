"""Which decks have cards that are due, and since when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("reminder", sa.Column("due_since", sa.DateTime(timezone=True)))
    op.add_column("reminder", sa.Column("decks", JSONB, nullable=False, server_default="[]"))
    op.add_column("reminder", sa.Column("more_decks", sa.Integer, nullable=False, server_default="0"))
