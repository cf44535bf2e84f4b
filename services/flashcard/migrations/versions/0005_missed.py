"""Cards whose fact was missed in a quiz, and drafts that were taken."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("card", sa.Column("missed_at", sa.DateTime(timezone=True)))
    op.add_column("card", sa.Column("missed_day", sa.Date))
    op.add_column("draft", sa.Column("note_id", sa.Uuid))
    op.drop_index("ix_draft_user_id_place", "draft")
    op.create_index(
        "ix_draft_waiting",
        "draft",
        ["user_id", "place"],
        postgresql_where=sa.text("NOT rejected AND note_id IS NULL"),
    )
