"""What the ledger's own errors say, and how a database's errors become them.

No text here carries a value of a row: upload URLs are secrets.

    LedgerError
    ├── StaleVersion      another write of the same row came first; it carries the row as it stands
    └── (codes)           ledger_busy, ledger_closed, ledger_conflict, ledger_corrupt, ledger_disk,
                          ledger_emptied, ledger_foreign, ledger_known, ledger_locked, ledger_missing,
                          ledger_too_new, ledger_too_old, ledger_unknown_id, ledger_url
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from sqlalchemy import exc

from okdrop.errors import LedgerError
from okdrop.ledger import sqlite

if TYPE_CHECKING:
    from okdrop.drop import Upload


class StaleVersion(LedgerError):
    """Another write came first.

    Args:
        current: the row as it stands in the ledger.
    """

    code = "ledger_stale"

    def __init__(self, current: Upload) -> None:
        super().__init__(f"upload {current.id}: the row was changed by another write")
        self.current = current


def spares_the_group(error: Exception) -> bool:
    """Whether the transaction lives on after this error, so that only the job that met it is undone.

    A refused row or a bug concerns one statement. Anything else of the database (disk full, I/O error)
    may have rolled back the whole transaction behind our back.
    """
    only_the_statement = (exc.IntegrityError, exc.DataError, exc.ProgrammingError)
    return isinstance(error, only_the_statement) or not isinstance(error, exc.DBAPIError)


def translated(error: Exception) -> Exception:
    """The error as this package knows it; a bug of ours stays what it is."""
    if not isinstance(error, exc.SQLAlchemyError):
        return error
    reason = error.orig if isinstance(error, exc.StatementError) else None
    if isinstance(reason, sqlite3.Error):
        ours = sqlite.explain(reason)
    else:
        ours = LedgerError(f"the ledger's database could not do it ({type(reason or error).__name__})")
    ours.__cause__ = error
    return ours
