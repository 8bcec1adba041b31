"""Leaf hashes are BLAKE3 from here on: those of uploads under way are made anew, by reading.

Digests and samples stay as they are: `okdrop.leaves` tells the kinds of digests apart, and samples are those
of earlier versions.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Forget leaves that are no part of any root that can still be made."""
    op.execute("DELETE FROM leaves")
