"""Who left is erased once more when nothing can come any more; after that no more."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("erased_user", sa.Column("settled", sa.Boolean, nullable=False, server_default=sa.false()))
