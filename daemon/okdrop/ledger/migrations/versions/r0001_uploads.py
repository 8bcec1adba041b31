"""The first schema: uploads, their history, orphans and hosts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    _uploads()
    _history()
    op.create_table(
        "orphans",
        sa.Column("video_id", sa.String, primary_key=True),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("noted_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "hosts",
        sa.Column("host", sa.String, primary_key=True),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("learned_at", sa.BigInteger, nullable=False),
    )


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("device", sa.String(24), nullable=False),
        sa.Column("inode", sa.String(24), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.String(24), nullable=False),
        sa.Column("folder", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("troubles", sa.Integer, nullable=False),
        sa.Column("last_trouble", sa.String, nullable=False),
        sa.Column("repeats", sa.Integer, nullable=False),
        sa.Column("retry_at", sa.BigInteger),
        sa.Column("video_id", sa.String),
        sa.Column("upload_url", sa.String),
        sa.Column("issued_at", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("tickets", sa.Integer, nullable=False),
        sa.Column("mode", sa.String(16)),
        sa.Column("offered_all", sa.Boolean, nullable=False),
        sa.Column("publish_offered", sa.Boolean, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("bytes_sent", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("duplicate_of", sa.Integer, sa.ForeignKey("uploads.id")),
        sa.Column("failure_code", sa.String),
        sa.Column("failure_message", sa.String),
        sa.Column("failure_hint", sa.String),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    live = sa.text("state != 'superseded'")
    op.create_index(
        "one_row_per_revision",
        "uploads",
        ["path", "size", "mtime_ns"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_index("uploads_by_inode", "uploads", ["inode", "size", "mtime_ns"])
    op.create_index("uploads_by_state", "uploads", ["state"])


def _history() -> None:
    op.create_table(
        "history",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("upload_id", sa.Integer, sa.ForeignKey("uploads.id"), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("from_state", sa.String(16)),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("note", sa.String, nullable=False),
    )
    op.create_index("history_by_upload", "history", ["upload_id"])
