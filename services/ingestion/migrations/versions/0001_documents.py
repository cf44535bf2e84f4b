"""Documents, pages, passages with their change sequence, and the tables of mesh and chassis."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)

FUNCTIONS = """\
CREATE SEQUENCE change_seq AS bigint

-- Held until the commit, so that values become visible in their own order. The lock's name is this schema's.
CREATE FUNCTION lock_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(TG_TABLE_SCHEMA || '.change_seq', 0));
    RETURN NULL;
END $$

CREATE FUNCTION number_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.change_seq := nextval(TG_TABLE_SCHEMA || '.change_seq');
    RETURN NEW;
END $$

CREATE FUNCTION tell_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('ingestion_passages', '');
    RETURN NULL;
END $$

CREATE FUNCTION note_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %I.removal (document_id, user_id, below_version, removed_at) VALUES ($1, $2, $3, now())',
                   TG_TABLE_SCHEMA)
    USING OLD.id, OLD.user_id, CASE TG_OP WHEN 'DELETE' THEN 2147483647 ELSE NEW.content_version END;
    RETURN NULL;
END $$"""

TRIGGERS = """\
CREATE TRIGGER lock_changes BEFORE INSERT OR UPDATE ON passage FOR EACH STATEMENT EXECUTE FUNCTION lock_changes()
CREATE TRIGGER number_change BEFORE INSERT OR UPDATE ON passage FOR EACH ROW EXECUTE FUNCTION number_change()
CREATE TRIGGER tell_changes AFTER INSERT OR UPDATE ON passage FOR EACH STATEMENT EXECUTE FUNCTION tell_changes()
CREATE TRIGGER lock_changes BEFORE INSERT ON removal FOR EACH STATEMENT EXECUTE FUNCTION lock_changes()
CREATE TRIGGER number_change BEFORE INSERT ON removal FOR EACH ROW EXECUTE FUNCTION number_change()
CREATE TRIGGER tell_changes AFTER INSERT ON removal FOR EACH STATEMENT EXECUTE FUNCTION tell_changes()
CREATE TRIGGER note_removal AFTER DELETE ON document FOR EACH ROW EXECUTE FUNCTION note_removal()
CREATE TRIGGER note_new_content AFTER UPDATE OF content_version ON document FOR EACH ROW WHEN (NEW.content_version > OLD.content_version) EXECUTE FUNCTION note_removal()
ALTER TABLE passage ALTER COLUMN embedding SET STORAGE EXTERNAL"""


def upgrade() -> None:
    _documents()
    _passages()
    _mesh()
    _idempotency()
    for statement in (*FUNCTIONS.split("\n\n"), *TRIGGERS.splitlines()):
        op.execute(statement)


def _documents() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("filename", sa.String, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("storage_key", sa.String, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content_version", sa.Integer, nullable=False),
        sa.Column("has_pages", sa.Boolean),
        sa.Column("pages", sa.Integer),
        sa.Column("pages_read", sa.Integer, nullable=False),
        sa.Column("passages", sa.Integer, nullable=False),
        sa.Column("unreadable_pages", sa.Integer, nullable=False),
        sa.Column("textless_pages", sa.Integer, nullable=False),
        sa.Column("error_code", sa.String),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("hinted_at", MOMENT),
        sa.Column("lease", sa.Uuid),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("traceparent", sa.String),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_document"),
        sa.UniqueConstraint("user_id", "sha256", name="uq_document_user_id_sha256"),
    )
    op.create_index("ix_document_user_id_created_at_id", "document", ["user_id", "created_at", "id"])
    op.create_index(
        "ix_document_due_at", "document", ["due_at"], postgresql_where=sa.text("status IN ('queued', 'processing')")
    )
    op.create_table(
        "page",
        sa.Column("document_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("content_version", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("document_id", "number", name="pk_page"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="fk_page_document_id", ondelete="CASCADE"),
    )
    op.create_table(
        "stray_file",
        sa.Column("storage_key", sa.String, nullable=False),
        sa.Column("delete_after", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("storage_key", name="pk_stray_file"),
    )


def _passages() -> None:
    op.create_table(
        "passage",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("document_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("content_version", sa.Integer, nullable=False),
        sa.Column("page", sa.Integer),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("chunk_index", sa.Integer, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("embedding", sa.LargeBinary),
        sa.Column("embedding_model", sa.String),
        sa.Column("change_seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_passage"),
        sa.UniqueConstraint("document_id", "chunk_index", name="uq_passage_document_id_chunk_index"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="fk_passage_document_id", ondelete="CASCADE"),
    )
    op.create_index("ix_passage_change_seq", "passage", ["change_seq"], unique=True)
    op.create_table(
        "removal",
        sa.Column("change_seq", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("document_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("below_version", sa.Integer, nullable=False),
        sa.Column("removed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("change_seq", name="pk_removal"),
    )


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
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("lease", sa.Uuid),
        sa.Column("leased_until", MOMENT),
        sa.Column("sent_at", MOMENT),
        sa.PrimaryKeyConstraint("position", name="pk_outbox"),
    )
    op.create_index("ix_outbox_unsent", "outbox", ["position"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_index("ix_outbox_created_at", "outbox", ["created_at"], postgresql_using="brin")
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False, server_default=sa.func.now()),
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
        sa.Column("created_at", MOMENT, nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name="pk_idempotency_key"),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"])
