"""A probe that tells whether the kernel's events of a folder come: something harmless happens, heard or not.

A watch that begins without an error proves nothing: on some mounts (FUSE, folders of a host in a container or
a virtual machine) it stays silent for ever. So a file of our own is made in the folder, with a name that
every okdrop and every `ignore` passes over, and taken away at once, before anything is listened for: both are
told of, and nothing lies there meanwhile. Where none may be made, nothing is known, and nothing else is
tried: there is no change to a folder of others that is harmless everywhere.

What is done here is done on this machine: that another machine's writes are told of, no probe can prove. For
that there is the type of the file system (`mounts`).
"""

from __future__ import annotations

import enum
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from okdrop.inbox.hints import is_undecodable, notifier
from okdrop.names import PROBE

if TYPE_CHECKING:
    from collections.abc import Callable

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


Hear: TypeAlias = "Callable[[bytes], Heard]"
"""Does something in a folder, and says whether that was told of."""


class Canary:
    """Probes folders for as long as okdrop runs; blocking, in one thread at a time.

    Where a probe can be made and not removed (append-only, a share whose clients may create and not delete),
    one is left, and no other is ever laid there.

    Args:
        within: seconds for which an event is waited for.
        monotonic: seconds.
    """

    def __init__(self, *, within: float = WITHIN, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._within: Final = within
        self._monotonic: Final = monotonic
        self._left: Final[dict[bytes, bytes]] = {}
        self._untold: Final[list[tuple[bytes, str]]] = []

    def listen(self, folder: bytes) -> Heard:
        """Do something in a folder, and say whether the kernel tells of it; blocks for `within` at most.

        Raises:
            NoHints: a watch cannot be had.
        """
        notify = notifier([folder])
        try:
            path = b"" if self.is_barred(folder) else self._something_done(folder)
            if not path:
                return Heard.UNKNOWN
            return Heard.YES if _is_told(notify, path, self._within, self._monotonic) else Heard.NO
        finally:
            notify.close()

    def is_barred(self, folder: bytes) -> bool:
        """Whether no probe is laid in this folder any more, since one could not be taken away."""
        return folder in self._left

    def news(self) -> list[tuple[bytes, str]]:
        """The probes that were left since this was asked last, each with the reason."""
        news = [*self._untold]
        self._untold.clear()
        return news

    def _something_done(self, folder: bytes) -> bytes:
        """Do something that the kernel has to tell of; gives the path it would name, or nothing."""
        try:
            descriptor, probe = tempfile.mkstemp(prefix=os.fsencode(PROBE), dir=folder)
        except OSError:
            return b""
        try:
            try:
                os.close(descriptor)  # first: NFS keeps what is removed while it is open, by another name
            finally:
                Path(os.fsdecode(probe)).unlink(missing_ok=True)
        except OSError as error:
            if os.path.lexists(probe):
                self._untold.append((probe, error.strerror or str(error)))
            self._left[folder] = probe
            return b""
        return probe


def listen(folder: bytes) -> Heard:
    """Probe a folder once, and remember nothing of it.

    Raises:
        NoHints: a watch cannot be had.
    """
    return Canary().listen(folder)


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
