"""Alembic's entry: run the revisions on the connection (and in the transaction) that the ledger gives."""

from __future__ import annotations

from alembic import context

# SQLite rolls back a change of schema like any other, though Alembic by itself does not count on it.
context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)

with context.begin_transaction():
    context.run_migrations()
