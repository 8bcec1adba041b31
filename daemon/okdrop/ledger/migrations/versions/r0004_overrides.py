"""What a person decides while it runs: a limit, a pause."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add a table."""
    op.create_table(
        "overrides",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("folder", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
