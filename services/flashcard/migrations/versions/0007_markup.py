"""What a note's texts are written in."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("note", sa.Column("markup", sa.Text, nullable=False, server_default="markdown"))
