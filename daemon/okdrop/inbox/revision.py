"""From the facts of `stat` to a `Revision`, and from its time to one that a calendar has."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from typing import Final

from okdrop.drop import Revision

_FIRST: Final = -62_000_000_000
_LAST: Final = 253_000_000_000
"""Seconds since the epoch, a little within the years 5 and 9987: room for every time zone."""


def revision_of(status: os.stat_result) -> Revision:
    """The revision that a stat shows."""
    return Revision(
        device=status.st_dev, inode=status.st_ino, size=status.st_size, mtime_ns=status.st_mtime_ns
    )


def revision_at(path: bytes) -> Revision | None:
    """The revision that lies at a path now; a symbolic link is not followed.

    Returns:
        None when there is no regular file that could be looked at; a scan says in words why not.
    """
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return revision_of(status) if stat.S_ISREG(status.st_mode) else None


def moment(mtime_ns: int) -> datetime:
    """A file's modification time in UTC; for one that no calendar has, as file systems may, the nearest."""
    seconds = min(max(mtime_ns // 10**9, _FIRST), _LAST)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
