"""The sidecars that lie beside a video: which there are, and what is in them. All of it blocks, shortly.

Whoever may drop a video may drop anything under a sidecar's name. So only a regular file is opened, no link
is followed, not in the place of a sub-folder either (`inbox.beneath`), nothing is waited for (a pipe,
somebody's lease), and no more is read than its kind may have. What is read is the very file that was seen, by
its inode.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from okdrop.errors import Trouble
from okdrop.events import shown
from okdrop.inbox.beneath import LinkedError, folder_of
from okdrop.inbox.lease import Writer, look_for_writer
from okdrop.inbox.revision import revision_of
from okdrop.inbox.source import FLAGS
from okdrop.inbox.walk import VANISHED, reason_of
from okdrop.metadata.said import Said, Sidecars, merged
from okdrop.metadata.sidecar import LARGEST, read_sidecar
from okdrop.metadata.sidecar_names import belonging

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from okdrop.drop import Revision

_KINDS: Final = (
    (stat.S_ISLNK, "it is a symbolic link, and those are not followed"),
    (stat.S_ISFIFO, "it is a pipe, no regular file"),
    (stat.S_ISSOCK, "it is a socket, no regular file"),
    (stat.S_ISCHR, "it is a device, no regular file"),
    (stat.S_ISBLK, "it is a device, no regular file"),
)

_LINKED: Final = "the folder is a symbolic link, and those are not followed"

_PASSING: Final = frozenset(
    {
        *(errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
        *(errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN),
    }
)
"""A lease that is being broken, no room just now, or a network mount without its server."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A sidecar, as a look finds it.

    Attributes:
        path: absolute.
        kind: one of `sidecar_names.KINDS`.
        revision: of a regular file; None: it is something else.
        unfit: why it cannot be opened, in words; "" where nothing speaks against it.
    """

    path: bytes
    kind: str
    revision: Revision | None = None
    unfit: str = ""

    @property
    def name(self) -> str:
        """Its name, fit to be shown."""
        return shown(self.path.rpartition(b"/")[2])


def writer_of(sidecars: Iterable[Seen]) -> Writer:
    """Whether somebody has one of them open for writing, as far as the kernel tells of all."""
    writers = {look_for_writer(seen.path) for seen in sidecars if seen.revision is not None}
    return next((one for one in (Writer.WRITING, Writer.UNKNOWN) if one in writers), Writer.NONE)


def look(path: bytes, kinds: Iterable[str], folder: bytes = b"") -> tuple[Seen, ...]:
    """The sidecars that lie beside a video, in order of precedence; a `stat` for each name there might be.

    Args:
        path: of the video, absolute.
        kinds: those that are heeded.
        folder: the watched folder of the video; from there on no link is followed. Empty: it has none.

    Raises:
        Trouble: (`sidecar_busy`) it cannot be seen just now which there are.
    """
    names = belonging(path, kinds)
    if not names:
        return ()
    first, kind = names[0]
    try:
        with folder_of(path, folder) as opened:
            found = [_seen(name, kind, opened) for name, kind in names]
    except LinkedError as error:
        return (Seen(path=error.path, kind=kind, unfit=_LINKED),)
    except OSError as error:
        seen = _unseen(first, kind, error)
        return (seen,) if seen is not None else ()
    return tuple(_each_once(seen for seen in found if seen is not None))


def _each_once(found: Iterable[Seen]) -> Iterator[Seen]:
    """Where the case of letters does not tell names apart, one file is found under two."""
    files = set()
    for seen in found:
        if seen.revision is not None:
            file = seen.revision.device, seen.revision.inode
            if file in files:
                continue
            files.add(file)
        yield seen


def _unseen(path: bytes, kind: str, error: OSError) -> Seen | None:
    """What is known where a look failed: nothing lies there, or what does is unfit."""
    if error.errno in VANISHED or error.errno == errno.ENAMETOOLONG:
        return None
    _let_pass(path, error)
    return Seen(path=path, kind=kind, unfit=f"it cannot be looked at: {reason_of(error)}")


def _seen(path: bytes, kind: str, folder: int) -> Seen | None:
    try:
        status = os.lstat(path.rpartition(b"/")[2], dir_fd=folder)
    except OSError as error:
        return _unseen(path, kind, error)
    if stat.S_ISDIR(status.st_mode):
        return None  # a folder that is called so is no sidecar
    if stat.S_ISREG(status.st_mode):
        return Seen(path=path, kind=kind, revision=revision_of(status))
    words = next((words for is_kind, words in _KINDS if is_kind(status.st_mode)), "it is no regular file")
    return Seen(path=path, kind=kind, unfit=words)


def read(sidecars: Iterable[Seen]) -> Sidecars:
    """What they say together. Each is read as it was when it was seen, whole, or not at all.

    Raises:
        Trouble: (`sidecar_busy`) one changed meanwhile, or cannot be read just now.
    """
    said = ((seen.name, _said(seen)) for seen in sidecars)
    return merged((name, one) for name, one in said if one is not None)


def _said(seen: Seen) -> Said | None:
    if seen.unfit or seen.revision is None:
        return Said(problems=(seen.unfit,))
    if seen.revision.size > LARGEST[seen.kind]:
        return Said(problems=(f"it is larger than {LARGEST[seen.kind]:,} bytes",))
    try:
        raw = _bytes(seen.path, seen.revision)
    except OSError as error:
        if error.errno in VANISHED:
            return None
        _let_pass(seen.path, error)
        return Said(problems=(f"it cannot be read: {reason_of(error)}",))
    if raw is None:
        raise _busy(seen.path, "it changes")
    return read_sidecar(seen.kind, raw)


def _let_pass(path: bytes, error: OSError) -> None:
    if error.errno in _PASSING:
        raise _busy(path, reason_of(error)) from error


def _busy(path: bytes, reason: str) -> Trouble:
    return Trouble(f"the sidecar {shown(path)} cannot be read now: {reason}", code="sidecar_busy")


def _bytes(path: bytes, expected: Revision) -> bytes | None:
    """The bytes of this revision; None: another one lies there, or came while it was read."""
    descriptor = os.open(path, FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or revision_of(status) != expected:
            return None
        pieces: list[bytes] = []
        left = expected.size + 1
        while left > 0 and (piece := os.read(descriptor, left)):
            pieces.append(piece)
            left -= len(piece)
        raw = b"".join(pieces)
        return raw if len(raw) == expected.size and revision_of(os.fstat(descriptor)) == expected else None
    finally:
        os.close(descriptor)
