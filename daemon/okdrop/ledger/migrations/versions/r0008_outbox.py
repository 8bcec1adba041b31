"""What is to be done once something has happened: steps; and when a file was moved, confirmed, removed.

What lay beside it before that is kept until it is done.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add four columns, a table, and the indexes by which due steps are found among a million."""
    for name in ("moved_at", "confirmed_at", "removed_at"):
        op.add_column("uploads", sa.Column(name, sa.BigInteger))
    op.add_column("uploads", sa.Column("along", sa.String))
    to_prune = sa.text(
        "moved_at IS NOT NULL AND confirmed_at IS NOT NULL AND removed_at IS NULL AND state = 'published'"
    )
    op.create_index(
        "uploads_to_prune",
        "uploads",
        ["folder", "moved_at"],
        sqlite_where=to_prune,
        postgresql_where=to_prune,
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("lane", sa.String, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("upload_id", sa.Integer, sa.ForeignKey("uploads.id")),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("payload", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("done_at", sa.BigInteger),
        sa.Column("outcome", sa.String(16)),
        sa.Column("said", sa.String, nullable=False),
        sa.Column("output", sa.String, nullable=False),
    )
    to_take, taken = sa.text("done_at IS NULL"), sa.text("done_at IS NOT NULL")
    op.create_index("one_step_of_a_key", "outbox", ["key"], unique=True)
    op.create_index(
        "outbox_due", "outbox", ["lane", "due_at"], sqlite_where=to_take, postgresql_where=to_take
    )
    op.create_index("outbox_taken", "outbox", ["done_at"], sqlite_where=taken, postgresql_where=taken)
    op.create_index("outbox_by_upload", "outbox", ["upload_id"])
