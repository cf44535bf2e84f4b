"""Who left is erased once more when nothing can come any more; after that no more."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("erased_user", sa.Column("settled", sa.Boolean, nullable=False, server_default=sa.false()))
