"""One daemon per ledger: an advisory lock (flock) that dies with its process, however that dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from okdrop.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCKS: Final = Path("/proc/locks")


@contextlib.contextmanager
def held(database: Path) -> Iterator[None]:
    """Hold the lock of a ledger; its file `<database>.lock` names our process and stays behind.

    Two names of one ledger (a symbolic link) share one lock. The file is never removed: another process
    may have opened it just before and would then hold a lock that nobody else can see.

    Raises:
        LedgerError: `ledger_locked`, another process holds it; `ledger_disk`, the file system refused.
    """
    path = _lock_file(database)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _refused(error) from error
    try:
        _take(descriptor)
        yield
    finally:
        os.close(descriptor)


def holder(database: Path) -> int | None:
    """The process that holds the lock of a ledger now, by the kernel's list; None: none that we can see.

    The lock itself is left alone: to try it would, for that moment, keep a daemon out that starts just then.
    A process of another PID namespace (another container) is not seen.

    Raises:
        LedgerError: `ledger_disk`, the lock's file may not be read.
    """
    path = _lock_file(database)
    try:
        named, inode = path.read_text("ascii", "replace").strip(), path.stat().st_ino
        listed = _LOCKS.read_text("ascii").splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(error) from error
    return int(named) if any(_is_held(line.split(), named, inode) for line in listed) else None


def _is_held(fields: list[str], named: str, inode: int) -> bool:
    """Whether a line of /proc/locks is that lock: `1: FLOCK ADVISORY WRITE 708 08:01:2625 0 EOF` (proc(5)).

    The device is not compared, as some file systems (btrfs, overlays) have another number here than in stat.
    """
    return fields[1:5] == ["FLOCK", "ADVISORY", "WRITE", named] and fields[5].endswith(f":{inode}")


def _lock_file(database: Path) -> Path:
    real = database.resolve()
    return real.with_name(real.name + ".lock")


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
