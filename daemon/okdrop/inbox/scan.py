"""What lies in a watched folder right now.

A scan is what guarantees that nothing is overlooked; events from the kernel only make it quicker. So it
takes any tree as it comes: names of any bytes, folders that cannot be read, entries that vanish meanwhile,
pipes that bear a video's name. It opens folders only, never a file.
"""

from __future__ import annotations

import dataclasses
import errno
import os
from typing import TYPE_CHECKING

from okdrop.errors import OkdropError
from okdrop.events import shown
from okdrop.inbox.revision import revision_of
from okdrop.names import Names

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from okdrop.drop import Revision

_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR})


class FolderError(OkdropError):
    """A watched folder cannot be scanned at all."""

    code = "folder"


class FolderMissing(FolderError):
    """There is no such folder."""

    code = "folder_missing"
    hint = "create the folder, mount what holds it, or correct `path` in [[watch]]"


class FolderUnreadable(FolderError):
    """The folder is there, but may not or cannot be listed."""

    code = "folder_unreadable"
    hint = "let okdrop's user list the folder (read and execute permission)"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A regular file with a video's name."""

    path: bytes
    revision: Revision


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A folder or file below the watched folder that could not be looked at."""

    path: bytes
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scan saw: oldest modification first, then by path."""

    found: list[Found]
    problems: list[Problem]


def scan(folder: bytes, *, suffixes: Collection[str], ignore: Sequence[str]) -> Scan:
    """Look through a folder and all folders in it; blocking, so it belongs into a thread.

    Only regular files count. Symbolic links below the folder are never followed: one that leaves the
    folder leads to what nobody dropped, and the target of one that stays is found by itself. The folder
    itself may be a link.

    Args:
        folder: the watched folder, absolute.
        suffixes: what a video's name ends in, and
        ignore: patterns of names to pass over; both as `Names` reads them.

    Raises:
        FolderMissing: there is no such folder.
        FolderUnreadable: it cannot be listed.
    """
    walk = _Walk(Names(suffixes, ignore))
    try:
        walk.list_folder(folder)
    except OSError as error:
        kind = FolderMissing if error.errno in _VANISHED else FolderUnreadable
        raise kind(f"{shown(folder)}: {_reason(error)}") from error
    walk.list_the_rest()
    walk.found.sort(key=lambda one: (one.revision.mtime_ns, one.path))
    walk.problems.sort(key=lambda one: one.path)
    return Scan(found=walk.found, problems=walk.problems)


class _Walk:
    """A walk with its own stack: the depth of a tree must not be bounded by Python's."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._folders: list[bytes] = []
        self.found: list[Found] = []
        self.problems: list[Problem] = []

    def list_the_rest(self) -> None:
        """List the folders that were met; one that cannot be listed does not stop the rest."""
        while self._folders:
            folder = self._folders.pop()
            try:
                self.list_folder(folder)
            except OSError as error:
                self._note(folder, error)

    def list_folder(self, folder: bytes) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    self._meet(entry)
                except OSError as error:
                    self._note(entry.path, error)

    def _meet(self, entry: os.DirEntry[bytes]) -> None:
        name = os.fsdecode(entry.name)
        if self._names.ignores(name):
            return
        if entry.is_dir(follow_symlinks=False):
            self._folders.append(entry.path)
        elif self._names.is_video(name) and entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            self.found.append(Found(path=entry.path, revision=revision_of(status)))

    def _note(self, path: bytes, error: OSError) -> None:
        if error.errno not in _VANISHED:
            self.problems.append(Problem(path=path, reason=_reason(error)))


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
