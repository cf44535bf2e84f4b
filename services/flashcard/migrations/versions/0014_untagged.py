"""How much of a leech a note was when the student took the tag off: it comes back for more."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("note", sa.Column("leech_over", sa.Integer))
