"""What proves that two files are equal: samples, who waits for whom, leaf hashes.

Digests of earlier versions stay as they are: `okdrop.leaves` tells the kinds apart by their length.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add two columns, an index and a table."""
    op.add_column("uploads", sa.Column("sample", sa.LargeBinary))
    op.add_column("uploads", sa.Column("waits_for", sa.Integer))
    op.create_index("uploads_by_size", "uploads", ["size", "sample"])
    op.create_table(
        "leaves",
        sa.Column("upload_id", sa.Integer, sa.ForeignKey("uploads.id"), primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("video_id", sa.String, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
    )
