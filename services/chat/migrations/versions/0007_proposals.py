"""Cards that were proposed, and what they cost."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "proposal",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("session_id", sa.Uuid),
        sa.Column("document_id", sa.Uuid),
        sa.Column("cards", postgresql.JSONB, nullable=False),
        sa.Column("model", sa.String),
        sa.Column("prompt", sa.String),
        sa.Column("input_tokens", sa.Integer, nullable=False),
        sa.Column("output_tokens", sa.Integer, nullable=False),
        sa.Column("tokens_estimated", sa.Boolean, nullable=False),
        sa.Column("cost", sa.Numeric(18, 9)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_proposal"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["study_session.id"], name="fk_proposal_session_id_study_session", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_proposal_user_id_created_at", "proposal", ["user_id", "created_at"])
    op.create_index("ix_proposal_session_id", "proposal", ["session_id"])
