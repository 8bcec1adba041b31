"""Alembic's entry: run the revisions on the connection (and in the transaction) that the ledger gives."""

from __future__ import annotations

from alembic import context

# The transaction is the caller's, and Alembic begins none: a revision is there whole or not at all.
context.configure(connection=context.config.attributes["connection"])

with context.begin_transaction():
    context.run_migrations()
