"""Indexes for what is held and what was moved, of many rows; and the pace that was found for a host."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add two indexes and a table."""
    held = sa.text("held")
    op.create_index("uploads_held", "uploads", ["folder"], sqlite_where=held, postgresql_where=held)
    moved = sa.text("moved_to IS NOT NULL")
    op.create_index(
        "uploads_by_moved_to", "uploads", ["moved_to"], sqlite_where=moved, postgresql_where=moved
    )
    op.create_table(
        "paces",
        sa.Column("host", sa.String, primary_key=True),
        sa.Column("connections", sa.Integer, nullable=False),
        sa.Column("learned_at", sa.BigInteger, nullable=False),
    )
