"""All that is particular to SQLite: files, connections, transactions, errors.

The ledger runs in WAL mode, so that `status` reads beside the daemon, and with `synchronous=FULL`, so that
a ticket survives a loss of power (https://sqlite.org/wal.html, "Performance Considerations").
"""

from __future__ import annotations

import os
import sqlite3
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from okdrop.errors import LedgerError

if TYPE_CHECKING:
    from sqlalchemy import URL

BUSY_TIMEOUT: Final = 5.0
"""Seconds to wait for a writer of another process."""

WRITES: Final = "okdrop_writes"
"""The execution option of a connection whose next transaction will write."""

_DISK: Final = frozenset({"SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN"})


def database_file(url: URL) -> Path | None:
    """The file that a URL names; None: in memory."""
    if url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database)).absolute()


def create_file(path: Path) -> None:
    """Create the ledger's folder (0700) and its file (0600) where missing: upload URLs are secrets.

    SQLite gives its side files the mode of the main file.

    Raises:
        LedgerError: `ledger_disk`, the file system refused.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise LedgerError(
            f"the ledger {path} cannot be created: {error.strerror}",
            code="ledger_disk",
            hint="let the daemon's user write there, or name another place in ledger.url",
        ) from error


def writer(url: URL) -> Engine:
    """An engine for the one thread that writes."""
    arguments: dict[str, Any] = {"isolation_level": None, "timeout": BUSY_TIMEOUT}
    if database_file(url) is None:
        # A database in memory lives and dies with its connection, so there must be exactly one.
        memory = create_engine(
            url,
            hide_parameters=True,
            poolclass=StaticPool,
            connect_args=arguments | {"check_same_thread": False},
        )
        return _prepared(memory, "PRAGMA foreign_keys = ON")
    engine = create_engine(url, hide_parameters=True, connect_args=arguments)
    return _prepared(
        engine, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"
    )


def reader(path: Path) -> Engine:
    """An engine that cannot write, whatever it is told."""

    def connect() -> sqlite3.Connection:
        return _read_only_connection(path)

    return _prepared(create_engine("sqlite://", creator=connect, hide_parameters=True, poolclass=StaticPool))


def _read_only_connection(path: Path) -> sqlite3.Connection:
    """Connect without the power to write, even where the file system itself grants none.

    A reader shares an index of the log with the writer and must create it where it is missing. On a file
    system that became read-only it cannot; but if there is no log either, the file alone is the whole
    truth and nobody can change it (https://sqlite.org/wal.html, "Read-Only Databases").
    """
    name = f"file:{urllib.parse.quote(os.fsencode(path))}?mode=ro"
    connection = sqlite3.connect(name, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(path.name + "-wal").exists():
            raise
        return sqlite3.connect(name + "&immutable=1", uri=True, isolation_level=None)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepared(engine: Engine, *pragmas: str) -> Engine:
    """Set up every new connection, and begin transactions ourselves.

    Python's driver would begin one only before a change, which leaves reads and savepoints outside; and a
    transaction that first reads and then writes can fail at once beside another writer, unless it says so.
    """

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def data_version(connection: Connection) -> int:
    """A number that changes when another connection has committed a change (PRAGMA data_version).

    It speaks of the connection that asks: the ledger thread has only one.
    """
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())


def explain(error: sqlite3.Error) -> LedgerError:
    """Say in words what SQLite met."""
    name: str = getattr(error, "sqlite_errorname", "")
    primary = "_".join(name.split("_")[:2])
    if primary in _DISK:
        return _disk_trouble(primary, name)
    match primary:
        case "SQLITE_BUSY" | "SQLITE_LOCKED":
            return LedgerError("the ledger is held by another process for too long", code="ledger_busy")
        case "SQLITE_CORRUPT" | "SQLITE_NOTADB":
            return LedgerError(
                "the ledger's file is damaged, or is no ledger",
                code="ledger_corrupt",
                hint="move it aside and bring back a copy: without one, every file is sent again",
            )
        case "SQLITE_CONSTRAINT" if name == "SQLITE_CONSTRAINT_UNIQUE":
            return LedgerError(
                "this revision of the file has a row in the ledger already", code="ledger_known"
            )
        case "SQLITE_CONSTRAINT":
            return LedgerError("the ledger refused a row that contradicts another", code="ledger_conflict")
        case _:
            return LedgerError(f"the ledger's database could not do it ({name or type(error).__name__})")


def _disk_trouble(primary: str, name: str) -> LedgerError:
    what, hint = {
        "SQLITE_FULL": (
            "the disk that holds the ledger is full",
            "make room; nothing is lost, and the next run goes on from here",
        ),
        "SQLITE_READONLY": (
            "the ledger cannot be written: it is read-only",
            "mend its permissions or its mount",
        ),
        "SQLITE_CANTOPEN": ("the ledger cannot be opened", "mend the permissions of its folder and files"),
        "SQLITE_IOERR": (f"the disk that holds the ledger failed ({name})", "look into the kernel's log"),
    }[primary]
    return LedgerError(what, code="ledger_disk", hint=hint)
