"""Bounds that outlive a wait, what is to do after publishing, what a person has to release, first looks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and the table; a folder that has uploads has had its first look."""
    for name in ("canary_strikes", "refusal_strikes", "unclear_strikes"):
        op.add_column("uploads", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    op.add_column("uploads", sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("uploads", sa.Column("chore", sa.String(16)))
    op.add_column("uploads", sa.Column("moved_to", sa.LargeBinary))
    to_do = sa.text("chore IS NOT NULL")
    op.create_index("uploads_by_chore", "uploads", ["chore"], sqlite_where=to_do, postgresql_where=to_do)
    op.create_table(
        "folders",
        sa.Column("path", sa.String, primary_key=True),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("empty_on", sa.String(24)),
    )
    op.execute(
        "INSERT INTO folders (path, first_seen)"
        " SELECT folder, MIN(created_at) FROM uploads WHERE folder != '' GROUP BY folder"
    )
