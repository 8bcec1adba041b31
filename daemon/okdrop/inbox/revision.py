"""From the facts of `stat` to a `Revision`."""

from __future__ import annotations

import os
import stat

from okdrop.drop import Revision


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
