"""Whether a file that is not there is gone, or only away with what was mounted there.

A file counts as away when

1. its watched folder is missing, or cannot be looked at: it is waited for as a whole; or
2. the nearest folder on its way that is there lies on another device than the file did, and
   - this process saw folders on that device: its number means what it meant, and the file system went away,
     whatever lies in its place; or
   - it is empty (a place without its mount), or
   - it is not the folder the file lay in (a place that went with its mount).

Devices are renumbered at a start of the machine. So a file that was deleted while okdrop was not running may
count as away, if nothing else is left in its folder: then a person has to cancel its upload. The other way
round nothing is lost. On an overlay files and folders differ in their device at all times, and nothing can be
told from that; but no folder lies on what such a file lies on.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from okdrop.events import shown
from okdrop.inbox.mounts import kind_of

if TYPE_CHECKING:
    from collections.abc import Collection

_TELLS_NOTHING: Final = frozenset({b"overlay", b"aufs"})


def away(path: bytes, folder: bytes, device: int, *, seen: Collection[int] = ()) -> str:
    """Say why a file that could not be found is only away; "" when it is gone. Blocking.

    Args:
        path: the file, absolute.
        folder: the watched folder it lay in, absolute.
        device: the device that the file was on (st_dev).
        seen: the devices that this process saw the watched folder, and folders in it, lie on.
    """
    try:
        here = _device_of_folder(folder)
        if here is None:
            return f"{shown(folder)} is missing"
        nearest, here = _nearest(path, folder, here)
        if here == device or (device not in seen and not _looks_unmounted(path, nearest, here)):
            return ""
    except OSError as error:
        return f"{shown(folder)} cannot be looked at: {error.strerror}"
    return f"what was mounted at {shown(nearest)} or below is not mounted"


def _looks_unmounted(path: bytes, nearest: bytes, here: int) -> bool:
    """Whether the last folder on the way to the file, on another device than it was, lacks its mount."""
    if kind_of(here) in _TELLS_NOTHING:
        return False
    return nearest != path.rpartition(b"/")[0] or _is_empty(nearest)


def _nearest(path: bytes, folder: bytes, device: int) -> tuple[bytes, int]:
    """The last folder on the way from the watched folder to the file that is there, and its device."""
    nearest = folder.rstrip(b"/")
    for name in path[len(nearest) + 1 :].split(b"/")[:-1]:
        further = _device_of_folder(nearest + b"/" + name)
        if further is None:
            break
        nearest, device = nearest + b"/" + name, further
    return nearest, device


def _device_of_folder(path: bytes) -> int | None:
    """The device of a folder; None: there is none."""
    try:
        status = Path(os.fsdecode(path)).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev if stat.S_ISDIR(status.st_mode) else None


def _is_empty(folder: bytes) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None
