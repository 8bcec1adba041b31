"""Whether there is a ledger at a place, and what to say to a user who may not look there."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from okdrop.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path


def size_of(file: Path) -> int | None:
    """How many bytes a ledger's file has; None: there is no such file.

    Raises:
        LedgerError: `ledger_disk`, this user may not look there, or the file system refused.
    """
    try:
        size = file.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise refused(file, error) from error
    if not os.access(file, os.R_OK, effective_ids=True):
        raise refused(file, PermissionError(13, "Permission denied"))
    return size


def obstacle(file: Path) -> Path | None:
    """What keeps this user from writing to a ledger, or from making it; None: nothing."""
    if os.path.lexists(file) and not os.access(file, os.W_OK, effective_ids=True):
        return file
    folder = next(path for path in file.parents if os.path.lexists(path))
    return None if os.access(folder, os.W_OK | os.X_OK, effective_ids=True) else folder


def refused(file: Path, error: OSError) -> LedgerError:
    """What to say where the file system refused to let us look at a ledger."""
    hint = "look after its disk or its mount"
    if isinstance(error, PermissionError):
        hint = f"it belongs to another user: sudo -u {_owner(file)} okdrop …"
    return LedgerError(f"the ledger {file} cannot be read: {error.strerror}", code="ledger_disk", hint=hint)


def _owner(file: Path) -> str:
    """Who owns the file, or the nearest folder above it that may be looked at, as sudo takes a user."""
    for path in (file, *file.parents):
        try:
            number = path.stat().st_uid
        except OSError:
            continue
        try:
            return pwd.getpwuid(number).pw_name
        except KeyError:
            return f"'#{number}'"
    return "root"
