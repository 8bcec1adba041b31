"""Bringing a file under a name that nobody has. Nothing is ever overwritten; blocking, so for a thread.

A name is taken by a hard link, which fails where something lies there already. Where hard links are not to
be had (FAT, some network mounts, a file of another owner under `fs.protected_hardlinks`), an empty file of
our own takes the name first, by O_EXCL, and is renamed over.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
from typing import TYPE_CHECKING, Final

from okdrop.errors import SourceChanged, Trouble
from okdrop.events import shown
from okdrop.inbox.revision import revision_of
from okdrop.leaves import hasher
from okdrop.names import LONGEST_NAME, cut_bytes

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from okdrop.drop import Revision
    from okdrop.leaves import Hasher

_BLOCK: Final = 1024 * 1024

_SYNC_EVERY: Final = 64 * 1024 * 1024
"""Bytes of a copy that wait for the disk at most: a sync cannot be stopped, so it must be short."""

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL})
"""A hard link is not to be had here."""

_NO_SYNC: Final = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF})
"""This file system does not sync folders; it does so by itself, or not at all."""

_NO_MODES: Final = frozenset({errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
"""This file system keeps no modes, or no times, or not those that we would give."""


class StoppedError(Exception):
    """Somebody asked to stop in the middle of a long copy; nothing is half done."""


def numbered(path: bytes, number: int) -> bytes:
    """The path with a number before its suffix, "clip (2).mp4"; cut where the name gets too long."""
    folder, _, name = path.rpartition(b"/")
    dot = name.rfind(b".")
    stem, suffix = (name[:dot], name[dot:]) if dot > 0 else (name, b"")
    mark = b" (%d)" % number
    if len(suffix) + len(mark) >= LONGEST_NAME:  # no suffix then, but a name with a dot far ahead
        stem, suffix = name, b""
    return folder + b"/" + cut_bytes(stem, LONGEST_NAME - len(mark) - len(suffix)) + mark + suffix


def free(path: bytes) -> bytes:
    """The path, or the first of its numbered ones where nothing lies now."""
    if not os.path.lexists(path):
        return path
    candidates = (numbered(path, number) for number in itertools.count(2))
    return next(candidate for candidate in candidates if not os.path.lexists(candidate))


def land(path: bytes, target: bytes) -> None:
    """Rename, on one file system, without overwriting; the new name is durable before the old one goes.

    Raises:
        FileExistsError: something lies at the target; nothing was changed.
        OSError: it cannot be done (EXDEV: another file system); nothing was changed.
    """
    if stat.S_ISDIR(os.lstat(path).st_mode):  # a rename overwrites no folder but an empty one
        os.rename(path, target)
        return
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _take_the_name(path, target)
        sync_folder(target)
    else:
        sync_folder(target)
        os.unlink(path)
    sync_folder(path)


def _take_the_name(path: bytes, target: bytes) -> None:
    os.close(os.open(target, _CREATE, 0o600))
    try:
        os.rename(path, target)
    except OSError:
        os.unlink(target)  # ours, and empty
        raise


def sync_folder(path: bytes) -> None:
    """Make durable what names the folder of this path holds."""
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def digest_at(path: bytes, stop: threading.Event, *, like: bytes | None = None) -> bytes:
    """The digest of the whole file, of the kind that `like` is of.

    Raises:
        StoppedError: `stop` was set meanwhile.
        OSError: it cannot be read.
    """
    digest = hasher(like)
    with os.fdopen(os.open(path, _READ), "rb", buffering=0) as file:
        for block in _blocks(file.fileno(), stop):
            digest.update(block)
    return digest.digest()


def copy(
    path: bytes, revision: Revision, partial: bytes, stop: threading.Event, *, like: bytes | None = None
) -> bytes:
    """Copy a file to a name that nobody has, with its times and its mode, and read the copy again.

    What is half copied is removed, whatever happens but a loss of power.

    Args:
        path: the file.
        revision: what has to lie there, before and after.
        partial: the name of the copy.
        stop: set, it ends the copy.
        like: a digest of the kind that is wanted; None: a root.

    Returns:
        The digest of both.

    Raises:
        SourceChanged: the file is another (`source_changed`).
        StoppedError: `stop` was set meanwhile.
        Trouble: the copy is not what was written (`copy_damaged`).
        OSError: it cannot be read or written.
    """
    with os.fdopen(os.open(path, _READ), "rb", buffering=0) as source:
        _compare(path, source.fileno(), revision)
        with os.fdopen(os.open(partial, _CREATE, 0o600), "rb+", buffering=0) as target:
            try:
                digest = _pour(source.fileno(), target.fileno(), partial, stop, hasher(like))
                _dress(target.fileno(), os.fstat(source.fileno()))
                _compare(path, source.fileno(), revision)
                _read_again(path, target.fileno(), digest, stop)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(partial)
                raise
    return digest


def _pour(source: int, target: int, partial: bytes, stop: threading.Event, digest: Hasher) -> bytes:
    unsynced = 0
    for block in _blocks(source, stop):
        digest.update(block)
        try:
            _write(target, block)
        except OSError as error:  # the kernel names no place
            raise OSError(error.errno, error.strerror, os.path.dirname(partial)) from None
        unsynced += len(block)
        if unsynced >= _SYNC_EVERY:
            os.fdatasync(target)
            unsynced = 0
    return digest.digest()


def _write(target: int, block: bytes) -> None:
    left = memoryview(block)
    while left:
        left = left[os.write(target, left) :]


def _dress(target: int, status: os.stat_result) -> None:
    """Give the copy the file's mode and times, as far as its file system has them, and make it durable."""
    with _where_it_can():
        os.fchmod(target, stat.S_IMODE(status.st_mode))
    with _where_it_can():
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.fsync(target)


@contextlib.contextmanager
def _where_it_can() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_MODES:
            raise


def _read_again(path: bytes, target: int, wanted: bytes, stop: threading.Event) -> None:
    with contextlib.suppress(OSError):  # from the disk, not from memory
        os.posix_fadvise(target, 0, 0, os.POSIX_FADV_DONTNEED)
    os.lseek(target, 0, os.SEEK_SET)
    digest = hasher(wanted)
    for block in _blocks(target, stop):
        digest.update(block)
    if digest.digest() != wanted:
        raise Trouble(
            f"the copy of {shown(path)} differs from it",
            code="copy_damaged",
            hint="look after the disk that holds `move_to`; the file itself is untouched",
        )


def _blocks(descriptor: int, stop: threading.Event) -> Iterator[bytes]:
    while block := os.read(descriptor, _BLOCK):
        if stop.is_set():
            raise StoppedError
        yield block


def _compare(path: bytes, descriptor: int, revision: Revision) -> None:
    if revision_of(os.lstat(path)) != revision or revision_of(os.fstat(descriptor)) != revision:
        raise SourceChanged(f"{shown(path)} changed after it was taken")
