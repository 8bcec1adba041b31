"""When a video was posted, what OK was told of it, and what it is still to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the columns, and an index for each question about them."""
    for column in (
        sa.Column("closed_by", sa.String(16)),
        sa.Column("opens_at", sa.BigInteger),
        sa.Column("posted_at", sa.BigInteger),
        sa.Column("draft", sa.String(16)),
        sa.Column("public_at", sa.BigInteger),
        sa.Column("renew", sa.String(16)),
        sa.Column("cover", sa.String(16)),
        sa.Column("cover_photo_id", sa.String),
        sa.Column("cover_token", sa.String),
        sa.Column("tell_at", sa.BigInteger),
        sa.Column("told", sa.LargeBinary),
        sa.Column("beside", sa.LargeBinary),
        sa.Column("words", sa.String),
    ):
        op.add_column("uploads", column)
    for name, columns, where in (
        ("uploads_by_post", ["posted_at"], "posted_at IS NOT NULL"),
        ("uploads_by_folders_post", ["folder", "posted_at"], "posted_at IS NOT NULL"),
        ("uploads_to_tell", ["tell_at"], "tell_at IS NOT NULL"),
        ("uploads_in_draft", ["draft"], "draft IS NOT NULL"),
    ):
        only = sa.text(where)
        op.create_index(name, "uploads", columns, sqlite_where=only, postgresql_where=only)
