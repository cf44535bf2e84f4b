"""What is due, and when students are reminded of it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "reminder",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("remind_at", sa.Time, nullable=False),
        sa.Column("quiet_from", sa.Time),
        sa.Column("quiet_until", sa.Time),
        sa.Column("chosen_at", MOMENT),
        sa.Column("due_version", sa.Integer, nullable=False),
        sa.Column("due_day", sa.Date),
        sa.Column("reviews", sa.Integer, nullable=False),
        sa.Column("new", sa.Integer, nullable=False),
        sa.Column("told_day", sa.Date),
        sa.Column("next_at", MOMENT),
        sa.PrimaryKeyConstraint("user_id", name="pk_reminder"),
    )
    op.create_index("ix_reminder_next_at", "reminder", ["next_at"], postgresql_where=sa.text("next_at IS NOT NULL"))
