"""Which revision of the schema a ledger has, and how it comes up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from okdrop.errors import LedgerError
from okdrop.ledger.schema import HEAD, METADATA, REVISIONS

if TYPE_CHECKING:
    from sqlalchemy import Connection

_VERSIONS: Final = sa.Table(
    "alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True)
)


def revision(connection: Connection) -> str | None:
    """The revision of the ledger; None: it is empty.

    Raises:
        LedgerError: `ledger_foreign`, the database belongs to something else.
    """
    tables = set(sa.inspect(connection).get_table_names())
    if _VERSIONS.name in tables:
        return connection.execute(sa.select(_VERSIONS.c.version_num)).scalar_one_or_none()
    if tables:
        raise LedgerError(
            "the database has tables, but not those of a ledger",
            code="ledger_foreign",
            hint="name another place in ledger.url",
        )
    return None


def require_current(connection: Connection) -> None:
    """Refuse a ledger that this version cannot read as it is.

    Raises:
        LedgerError: `ledger_missing`, it is empty; `ledger_too_old`; `ledger_too_new`; `ledger_foreign`.
    """
    at = revision(connection)
    if at is None:
        raise LedgerError("the ledger is empty: nothing was ever written to it", code="ledger_missing")
    _refuse_newer(at)
    if at != HEAD:
        raise LedgerError(
            "the ledger was written by an older version of okdrop",
            code="ledger_too_old",
            hint="start this version's daemon once: it brings the ledger up to date",
        )


def bring_up(connection: Connection, *, alone: bool) -> None:
    """Bring the ledger to the newest revision, in the caller's transaction: all of it or nothing.

    Args:
        connection: inside a transaction.
        alone: we hold the lock; without it a ledger in use is not changed under another's feet, and only
            an empty one is filled.

    Raises:
        LedgerError: as `require_current`.
    """
    at = revision(connection)
    if at is not None and not alone:
        require_current(connection)
    if at == HEAD:
        return
    if at is None:
        _make(connection)
    else:
        _refuse_newer(at)
        upgrade(connection)


def _refuse_newer(at: str) -> None:
    if at not in REVISIONS:
        raise LedgerError(
            "the ledger was written by a newer version of okdrop",
            code="ledger_too_new",
            hint="use that version, or bring back the copy made before the upgrade",
        )


def _make(connection: Connection) -> None:
    """Fill an empty ledger, as all revisions one after the other would."""
    METADATA.create_all(connection)
    _VERSIONS.create(connection)
    connection.execute(sa.insert(_VERSIONS).values(version_num=HEAD))


def upgrade(connection: Connection) -> None:
    """Go through the revisions from where the ledger is to the newest."""
    # Imported late: Alembic costs a tenth of a second and megabytes, and is needed once a version.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", "okdrop.ledger:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
