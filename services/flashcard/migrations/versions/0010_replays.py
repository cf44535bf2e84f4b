"""How far the cards of a deck whose options changed have been rescheduled."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("deck", sa.Column("replay_at", sa.DateTime(timezone=True)))
    op.add_column("deck", sa.Column("replayed_to", sa.Uuid))
    op.add_column("deck", sa.Column("replay_cards", sa.Integer, nullable=False, server_default="0"))
    op.add_column("deck", sa.Column("replayed_cards", sa.Integer, nullable=False, server_default="0"))
    op.create_index("ix_deck_replay_at", "deck", ["replay_at"], postgresql_where=sa.text("replay_at IS NOT NULL"))
