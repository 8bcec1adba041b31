"""Who has a file open for writing, by asking the kernel for a read lease.

A read lease is granted only while nobody has the file open for writing (fcntl(2), F_SETLEASE), on any
process's behalf on this machine; writers on another machine of a network mount are beyond it. The lease is
given back at once: it is asked for its answer alone.

Whoever opens the file for writing while we hold the lease makes the kernel send us SIGIO, whose default
action ends the process. So no lease is taken unless SIGIO is ignored, which `prepare` sees to. To catch it
would not do: what is caught cuts the waits of any thread short, also where code of others waits.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import fcntl
import os
import signal
import stat
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final

from okdrop.inbox.ambient import keep_capabilities
from okdrop.inbox.mounts import kind_of
from okdrop.names import PROBE

_OLD: Final = 60.0
"""Seconds after which a probe is nobody's: it lies there for some milliseconds."""

_DELEGATING: Final = frozenset({b"nfs", b"nfs4", b"cifs", b"smb3"})
"""File systems whose refusal (EAGAIN) need not mean a writer: they grant leases only under a delegation or
an oplock of their server. Taken for a writer, it would keep such files waiting for ever."""


class Writer(enum.Enum):
    """Whether somebody has a file open for writing."""

    NONE = "none"  #: nobody has
    WRITING = "writing"  #: somebody has
    UNKNOWN = "unknown"  #: the kernel does not tell us


def prepare() -> bool:
    """Ignore SIGIO, so that leases may be taken. Call it once from the main thread; again is harmless.

    What that takes, CAP_LEASE, is kept from programs that are started from now on.

    Returns:
        Whether SIGIO is ignored now. Only the main thread may change that; called from another before it
        was done, nothing changes and `look_for_writer` goes on answering UNKNOWN.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        keep_capabilities()
    return _is_prepared()


def look_for_writer(path: bytes) -> Writer:
    """Say whether a process of this machine has the file open for writing; quick, from any thread.

    UNKNOWN where the kernel does not tell: a file system without leases, a file of another owner without
    CAP_LEASE, another system than Linux, SIGIO not ignored, or a file that cannot be opened.
    """
    if sys.platform != "linux" or not _is_prepared():
        return Writer.UNKNOWN
    try:
        # O_NONBLOCK: a pipe must not make us wait, and neither must somebody else's lease.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        # EAGAIN here: another process (a file server) holds a write lease, thus has it open for writing.
        return Writer.WRITING if error.errno == errno.EAGAIN else Writer.UNKNOWN
    try:
        return _ask(descriptor)
    finally:
        os.close(descriptor)


def can_see_writers(folder: bytes, *, probes: bool = True) -> bool | None:
    """Say whether writers of the files in this folder can be seen; writes a probe of its own there if it may.

    The probe tells whether the file system has leases that speak of writers; a file of another owner tells
    whether we may ask for them (CAP_LEASE).

    Args:
        folder: the folder.
        probes: whether a probe may be laid; what is laid where nothing can be removed stays for ever.

    Returns:
        None when it cannot be known: the folder may not be written to and holds no file to ask about.
    """
    try:
        probed = _sees_own_probe(folder) if probes else None
    except OSError:
        probed = None
    sample = None if probed is False else _sample(folder)
    return probed if sample is None else look_for_writer(sample) is not Writer.UNKNOWN


def _is_prepared() -> bool:
    return signal.getsignal(signal.SIGIO) is signal.SIG_IGN


def _ask(descriptor: int) -> Writer:
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        refused = error.errno == errno.EAGAIN and not _wants_delegation(descriptor)
        return Writer.WRITING if refused else Writer.UNKNOWN
    # Closing would do, unless a child forked meanwhile shares the descriptor.
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return Writer.NONE


def _wants_delegation(descriptor: int) -> bool:
    """Whether the file lies on a mount that also refuses for lack of a delegation from its server."""
    return kind_of(os.fstat(descriptor).st_dev) in _DELEGATING


def _sees_own_probe(folder: bytes) -> bool:
    descriptor, probe = tempfile.mkstemp(prefix=os.fsencode(PROBE), dir=folder)
    try:
        _sweep(folder, before=os.fstat(descriptor).st_mtime - _OLD)
        with os.fdopen(descriptor, "wb"):
            while_open = look_for_writer(probe)
        return (while_open, look_for_writer(probe)) == (Writer.WRITING, Writer.NONE)
    finally:
        Path(os.fsdecode(probe)).unlink()


def _sweep(folder: bytes, *, before: float) -> None:
    """Take away what a run left here that was killed between laying a probe and taking it up.

    Args:
        folder: where it was laid.
        before: its age, by the clock of the file system; a younger one may be another okdrop's, in use.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(os.fsencode(PROBE)):
                continue
            status = entry.stat(follow_symlinks=False)
            is_ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
            if is_ours and not status.st_size and status.st_mtime < before:
                Path(os.fsdecode(entry.path)).unlink()


def _sample(folder: bytes) -> bytes | None:
    """A file that lies in the folder, of another owner if there is one."""
    sample = None
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                continue
            sample = entry.path
            if status.st_uid != os.geteuid():
                break
    return sample
