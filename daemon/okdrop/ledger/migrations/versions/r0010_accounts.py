"""Whose each upload is, of several accounts; and whose video an orphan is, and who is halted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add a column to three tables: what is there is of the only account that there was."""
    for table in ("uploads", "orphans", "halts"):
        op.add_column(table, sa.Column("account", sa.String, nullable=False, server_default=""))
