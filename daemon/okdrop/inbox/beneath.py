"""The folder that a file lies in, opened name by name from the watched one on: no link between is followed.

Whoever may drop files may also put a symbolic link in the place of a sub-folder, at any time; by a path alone
the kernel would follow it to files of anybody's.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_NO_FOLDER: Final = frozenset({errno.ENOTDIR, errno.ELOOP})


class LinkedError(Exception):
    """A folder between the watched folder and the file is a symbolic link; `path` is that of the link."""

    def __init__(self, path: bytes) -> None:
        super().__init__("a folder above it is a symbolic link, and those are not followed")
        self.path = path


@contextlib.contextmanager
def folder_of(path: bytes, folder: bytes) -> Iterator[int]:
    """Open the folder of a file, as a place to look names up in (O_PATH). Blocks.

    Args:
        path: of the file, absolute; whether anything lies there does not matter.
        folder: the watched folder, which may be reached over links; where the file does not lie in it, or it
            is empty, the file's own folder takes its place.

    Raises:
        LinkedError: a folder between them is a link.
        OSError: one cannot be opened.
    """
    descriptor = _opened(path.rpartition(b"/")[0], folder.rstrip(b"/") if folder else None)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def require_unlinked(path: bytes, folder: bytes) -> None:
    """Refuse a file that is reached over a link; for the arguments see `folder_of`.

    Raises:
        LinkedError: a folder between is a link.
    """
    with contextlib.suppress(OSError), folder_of(path, folder):
        pass


def _opened(parent: bytes, root: bytes | None) -> int:
    if root is None or not (parent + b"/").startswith(root + b"/"):
        root = parent
    at, descriptor = root, os.open(root or b"/", _FOLDER)
    for name in filter(None, parent[len(root) :].split(b"/")):
        at += b"/" + name
        try:
            below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
        except OSError as error:
            if error.errno in _NO_FOLDER and _is_link(name, descriptor):
                raise LinkedError(at) from None
            raise
        finally:
            os.close(descriptor)  # after the question above
        descriptor = below
    return descriptor


def _is_link(name: bytes, folder: int) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode)
    except OSError:
        return False
