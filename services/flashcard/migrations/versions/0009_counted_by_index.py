"""What is due and new is counted by its index alone."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_COUNTED = ["deck_id", "note_id", "buried_until"]


def upgrade() -> None:
    op.drop_index("ix_card_due_day", "card")
    due = sa.text("phase = 'review' AND NOT suspended")
    op.create_index("ix_card_due_day", "card", ["user_id", "due_day", *_COUNTED], postgresql_where=due)
    op.drop_index("ix_card_new", "card")
    new = sa.text("phase = 'new' AND NOT suspended")
    op.create_index("ix_card_new", "card", ["user_id", *_COUNTED], postgresql_where=new)
