"""How many questions a quiz of the session has, where the student chose."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("study_session", sa.Column("questions", sa.Integer))
