"""A probe that tells whether the kernel's events of a folder come: something harmless happens, heard or not.

A watch that begins without an error proves nothing: on some mounts (FUSE, folders of a host in a container or
a virtual machine) it stays silent for ever. So a file of our own is made in the folder, with a name that
every okdrop and every `ignore` passes over, and taken away again. Where none may be made, the folder's mode
is set to what it is.

What is done here is done on this machine: that another machine's writes are told of, no probe can prove. For
that there is the type of the file system (`mounts`).
"""

from __future__ import annotations

import contextlib
import enum
import os
import stat
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from okdrop.inbox.hints import is_undecodable, notifier
from okdrop.names import PROBE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchfiles import _rust_notify

WITHIN: Final = 3.0
"""Seconds for which an event is waited for: many times as long as it takes on a machine that is busy."""

_GATHER: Final = 20
"""Milliseconds for which events that go on coming are gathered."""

_STEP: Final = 10
"""Milliseconds between two looks for events."""


class Heard(enum.Enum):
    """Whether an event came."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"  #: nothing could be done there that would cause one


def listen(
    folder: bytes, *, within: float = WITHIN, monotonic: Callable[[], float] = time.monotonic
) -> Heard:
    """Do something in a folder, and say whether the kernel tells of it; blocks for `within` seconds at most.

    Raises:
        NoHints: a watch cannot be had.
    """
    notify = notifier([folder])
    try:
        with _something_done(folder) as path:
            if not path:
                return Heard.UNKNOWN
            return Heard.YES if _is_told(notify, path, within, monotonic) else Heard.NO
    finally:
        notify.close()


def _is_told(
    notify: _rust_notify.RustNotify, path: bytes, within: float, monotonic: Callable[[], float]
) -> bool:
    stop, deadline = threading.Event(), monotonic() + within
    while (left := deadline - monotonic()) > 0:
        try:
            changes = notify.watch(_GATHER, _STEP, max(1, int(left * 1000)), stop)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a panic in Rust is no Exception
            return is_undecodable(str(error))  # of another name, but told of
        if isinstance(changes, set) and any(os.fsencode(told) == path for _, told in changes):
            return True
    return False


@contextlib.contextmanager
def _something_done(folder: bytes) -> Iterator[bytes]:
    """Do something that the kernel has to tell of; gives the path it would name, or nothing."""
    try:
        descriptor, probe = tempfile.mkstemp(prefix=os.fsencode(PROBE), dir=folder)
    except OSError:
        yield _touched(folder)
        return
    try:
        os.close(descriptor)
        yield probe
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(os.fsdecode(probe)).unlink()


def _touched(folder: bytes) -> bytes:
    """Set a folder's mode to what it is; not where the kernel would take a bit of it for that."""
    place = Path(os.fsdecode(folder))
    with contextlib.suppress(OSError):
        mode = stat.S_IMODE(place.stat().st_mode)
        if not mode & (stat.S_ISUID | stat.S_ISGID):
            place.chmod(mode)
            return folder
    return b""
