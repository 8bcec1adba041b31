"""One daemon per ledger: an advisory lock (flock) that dies with its process, however that dies.

The lock's file stays behind. Its first line names the process that took the lock last; its second says that
there is a ledger, and is written once that is so. An empty ledger beside such a file has lost its rows: to go
on would send every file again. One without is a first start, or one that was cut short.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from okdrop.errors import LedgerError
from okdrop.ledger import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOCKS: Final = Path("/proc/locks")

_BEGUN: Final = "there is a ledger"


@contextlib.contextmanager
def held(database: Path) -> Iterator[Callable[[], None]]:
    """Hold the lock of a ledger; its file is `<database>.lock`.

    Gives what notes there, durably, that there is a ledger from now on.

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
        has_begun = _take(descriptor)
        yield lambda: None if has_begun else _note_begun(descriptor)
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
        named, inode = path.read_text("ascii", "replace").partition("\n")[0], path.stat().st_ino
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


def refuse_emptied(database: Path) -> None:
    """Refuse a ledger that is empty, or not there, though there was one.

    Raises:
        LedgerError: `ledger_emptied`; `ledger_disk`, the file system does not let us look.
    """
    path = _lock_file(database)
    try:
        text = path.read_text("ascii", "replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise place.refused(database, error) from error
    # In this order: what is noted was so before it was noted.
    if _BEGUN in text.splitlines() and not place.size_of(database):
        raise LedgerError(
            f"the ledger {database} is empty, and was not: all that was known of published files is lost",
            code="ledger_emptied",
            hint=f"bring back a copy; or, to begin anew and send every file again, remove {path} too",
        )


def _lock_file(database: Path) -> Path:
    real = database.resolve()
    return real.with_name(real.name + ".lock")


def _take(descriptor: int) -> bool:
    """Take the lock; gives whether its file says that there is a ledger."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _, *rest = os.pread(descriptor, 256, 0).decode("ascii", "replace").splitlines() or [""]
        _write(descriptor, str(os.getpid()), *rest)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 256, 0).decode("ascii", "replace").partition("\n")[0]
        raise LedgerError(
            f"the ledger is in use by another okdrop (process {holder or 'unknown'})",
            code="ledger_locked",
            hint="wait until that one ends, or stop it first: one at a time works with a ledger",
        ) from error
    except OSError as error:
        raise _refused(error) from error
    return _BEGUN in rest


def _note_begun(descriptor: int) -> None:
    try:
        _write(descriptor, str(os.getpid()), _BEGUN)
        os.fsync(descriptor)
    except OSError as error:
        raise _refused(error) from error


def _write(descriptor: int, *lines: str) -> None:
    """Replace what the file holds; never for a moment less than it holds already, whenever we are cut off."""
    text = "".join(f"{line}\n" for line in lines).encode()
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))


def _refused(error: OSError) -> LedgerError:
    return LedgerError(
        f"the ledger cannot be locked: {error.strerror}",
        code="ledger_disk",
        hint="the ledger's folder must be writable, and its file system must know flock",
    )
