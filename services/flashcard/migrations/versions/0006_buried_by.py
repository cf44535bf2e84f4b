"""Which review buried a card, so that undoing it digs out no other."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("card", sa.Column("buried_by", sa.Uuid))
