"""Students, decks, notes, cards, the log of reviews, and the tables of mesh and chassis."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _students()
    _decks()
    _notes()
    _cards()
    _reviews()
    _mesh()
    _idempotency()


def _students() -> None:
    op.create_table(
        "student",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("day_starts_at", sa.Integer, nullable=False),
        sa.Column("next_day_at", MOMENT, nullable=False),
        sa.Column("told_day", sa.Date),
        sa.Column("cleared_day", sa.Date),
        sa.Column("told_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_student"),
    )
    op.create_index("ix_student_next_day_at", "student", ["next_day_at"])
    op.create_table(
        "gone_document",
        sa.Column("document_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("document_id", "user_id", name="pk_gone_document"),
    )


def _decks() -> None:
    op.create_table(
        "deck",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("options", postgresql.JSONB, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deck"),
        sa.UniqueConstraint("user_id", "name", name="uq_deck_user_id_name"),
    )

    op.create_table(
        "share",
        sa.Column("deck_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("token_digest", sa.LargeBinary, nullable=False),
        sa.Column("token_sealed", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["deck_id"], ["deck.id"], name="fk_share_deck_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("deck_id", name="pk_share"),
        sa.UniqueConstraint("token_digest", name="uq_share_token_digest"),
    )


def _notes() -> None:
    op.create_table(
        "note",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("guid", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("source", postgresql.JSONB),
        sa.Column("document_id", sa.Uuid),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_note"),
        sa.UniqueConstraint("user_id", "guid", name="uq_note_user_id_guid"),
    )
    op.create_index("ix_note_document_id", "note", ["document_id"], postgresql_where=sa.text("document_id IS NOT NULL"))
    op.create_index("ix_note_tags", "note", ["tags"], postgresql_using="gin")
    op.create_index("ix_note_user_id_fingerprint", "note", ["user_id", "fingerprint"])


def _cards() -> None:
    op.create_table(
        "card",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("note_id", sa.Uuid, nullable=False),
        sa.Column("deck_id", sa.Uuid, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("suspended", sa.Boolean, nullable=False),
        sa.Column("buried_until", sa.Date),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("base", postgresql.JSONB, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("due_day", sa.Date),
        sa.Column("interval", sa.Integer, nullable=False),
        sa.Column("stability", sa.Float),
        sa.Column("difficulty", sa.Float),
        sa.Column("ease", sa.Float, nullable=False),
        sa.Column("repetitions", sa.Integer, nullable=False),
        sa.Column("lapses", sa.Integer, nullable=False),
        sa.Column("reviews", sa.Integer, nullable=False),
        sa.Column("last_day", sa.Date),
        sa.Column("last_reviewed_at", MOMENT),
        sa.ForeignKeyConstraint(["deck_id"], ["deck.id"], name="fk_card_deck_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["note_id"], ["note.id"], name="fk_card_note_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_card"),
    )
    op.create_index("ix_card_deck_id", "card", ["deck_id"])
    op.create_index(
        "ix_card_due_at",
        "card",
        ["user_id", "due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL AND NOT suspended"),
    )
    op.create_index(
        "ix_card_due_day",
        "card",
        ["user_id", "due_day"],
        postgresql_where=sa.text("phase = 'review' AND NOT suspended"),
    )
    op.create_index(
        "ix_card_new", "card", ["user_id", "position"], postgresql_where=sa.text("phase = 'new' AND NOT suspended")
    )
    op.create_index("ix_card_note_id", "card", ["note_id"])
    op.create_index("ix_card_user_id_created_at_id", "card", ["user_id", "created_at", "id"])


def _reviews() -> None:
    op.create_table(
        "review",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("card_id", sa.Uuid, nullable=False),
        sa.Column("received", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("deck_id", sa.Uuid, nullable=False),
        sa.Column("rating", sa.Integer, nullable=False),
        sa.Column("quality", sa.Integer, nullable=False),
        sa.Column("reviewed_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("duration_ms", sa.Integer),
        sa.Column("imported", sa.Boolean, nullable=False),
        sa.Column("made_leech", sa.Boolean, nullable=False),
        sa.Column("memory_before", postgresql.JSONB),
        sa.Column("memory_after", postgresql.JSONB),
        sa.Column("undone_at", MOMENT),
        sa.PrimaryKeyConstraint("user_id", "id", name="pk_review"),
    )
    op.create_index("ix_review_card_id_reviewed_at_id", "review", ["card_id", "reviewed_at", "id"])
    op.create_index("ix_review_user_id_day", "review", ["user_id", "day"])
    op.create_index("ix_review_user_id_received", "review", ["user_id", "received"])


def _mesh() -> None:
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("dataschema", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("aggregate_version", sa.Integer, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("traceparent", sa.Text),
        sa.Column("tracestate", sa.Text),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("lease", sa.Uuid),
        sa.Column("leased_until", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.PrimaryKeyConstraint("position", name="pk_outbox"),
    )
    op.create_index("ix_outbox_created_at", "outbox", ["created_at"], postgresql_using="brin")
    op.create_index("ix_outbox_unsent", "outbox", ["position"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("received_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"], postgresql_using="brin")


def _idempotency() -> None:
    op.create_table(
        "idempotency_key",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("route", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("body_hash", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("answer", postgresql.JSONB),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name="pk_idempotency_key"),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])
