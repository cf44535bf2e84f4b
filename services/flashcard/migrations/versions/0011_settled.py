"""Who left is erased once more when nothing can come any more; the next cards of a deck are found by their ids."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("erased_user", sa.Column("settled", sa.Boolean, nullable=False, server_default=sa.false()))
    op.drop_index("ix_card_deck_id", "card")
    op.create_index("ix_card_deck_id_id", "card", ["deck_id", "id"])
