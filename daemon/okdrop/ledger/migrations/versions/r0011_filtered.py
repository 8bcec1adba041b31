"""What is looked for in a row, folded; indexes by which pages are filtered; how long a decision is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from alembic import op

from okdrop.ledger.folding import sought_in

if TYPE_CHECKING:
    from sqlalchemy import Connection

revision = "0011"
down_revision = "0010"

AT_ONCE: Final = 1000
"""Rows in memory."""

_NEXT: Final = sa.text("SELECT id, path, title FROM uploads WHERE id > :after ORDER BY id LIMIT :at_once")
_FOLD: Final = sa.text("UPDATE uploads SET folded = :folded WHERE id = :id")


def upgrade() -> None:
    """Fold what is there, and index it; let two indexes answer by themselves; let decisions end."""
    op.add_column("uploads", sa.Column("folded", sa.String, nullable=False, server_default=""))
    connection = op.get_bind()
    _fold(connection)
    if connection.dialect.name == "sqlite":
        columns = ["state", "id", "folder", "folded"]
        reasons = ["retry_at", "waits_for", "closed_by", "held", "last_trouble"]
        op.create_index("uploads_filtered", "uploads", [*columns, *reasons])
    for name, columns, where in (
        ("uploads_by_post", ["posted_at", "state", "size"], "posted_at IS NOT NULL"),
        ("uploads_held", ["folder", "state", "held"], "held"),
    ):
        only = sa.text(where)
        op.drop_index(name, "uploads")
        op.create_index(name, "uploads", columns, sqlite_where=only, postgresql_where=only)
    op.add_column("overrides", sa.Column("until", sa.BigInteger))


def _fold(connection: Connection) -> None:
    after = 0
    while rows := connection.execute(_NEXT, {"after": after, "at_once": AT_ONCE}).all():
        connection.execute(_FOLD, [{"id": row.id, "folded": sought_in(row.path, row.title)} for row in rows])
        after = rows[-1].id
