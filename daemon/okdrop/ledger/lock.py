"""One daemon per ledger: an advisory lock (flock) that dies with its process, however that dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from okdrop.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def held(database: Path) -> Iterator[None]:
    """Hold the lock of a ledger; its file `<database>.lock` names our process and stays behind.

    Two names of one ledger (a symbolic link) share one lock. The file is never removed: another process
    may have opened it just before and would then hold a lock that nobody else can see.

    Raises:
        LedgerError: `ledger_locked`, another process holds it; `ledger_disk`, the file system refused.
    """
    real = database.resolve()
    path = real.with_name(real.name + ".lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _refused(error) from error
    try:
        _take(descriptor)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        raise LedgerError(
            f"the ledger is in use by another okdrop (process {holder or 'unknown'})",
            code="ledger_locked",
            hint="stop that one first, or give this one a ledger of its own (ledger.url)",
        ) from error
    except OSError as error:
        raise _refused(error) from error


def _refused(error: OSError) -> LedgerError:
    return LedgerError(
        f"the ledger cannot be locked: {error.strerror}",
        code="ledger_disk",
        hint="the ledger's folder must be writable, and its file system must know flock",
    )
