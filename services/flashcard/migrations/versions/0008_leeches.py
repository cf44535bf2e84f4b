"""What a leech was before: suspended by its reviews or by hand, tagged by us or by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("card", sa.Column("leech_over", sa.Integer))
    op.add_column("note", sa.Column("leech_tagged", sa.Boolean, nullable=False, server_default=sa.false()))
    leeches = "SELECT card_id FROM review WHERE made_leech AND undone_at IS NULL"
    # Of those that suspended it one after another, the last one counts.
    over = f"SELECT count(*) - 1 FROM ({leeches}) AS made WHERE card_id = card.id"  # noqa: S608 # a text of ours
    op.execute(f"UPDATE card SET leech_over = ({over}) WHERE suspended AND id IN ({leeches})")  # noqa: S608 # a text of ours
    noted = f"SELECT note_id FROM card WHERE id IN ({leeches})"  # noqa: S608 # a text of ours
    op.execute(f"UPDATE note SET leech_tagged = true WHERE 'leech' = ANY(tags) AND id IN ({noted})")  # noqa: S608 # a text of ours
