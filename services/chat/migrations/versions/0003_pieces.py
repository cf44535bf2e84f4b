"""In which pieces an answer was streamed, so that its readers can go on from any of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("message", sa.Column("pieces", postgresql.ARRAY(sa.Integer), nullable=False, server_default="{}"))
