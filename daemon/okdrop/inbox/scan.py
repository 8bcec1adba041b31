"""What lies in a watched folder right now.

A scan is what guarantees that nothing is overlooked; events from the kernel only make it quicker. So it
takes any tree as it comes: names of any bytes, folders that cannot be read, entries that vanish meanwhile,
pipes that bear a video's name. It opens folders only, never a file.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from okdrop.errors import OkdropError
from okdrop.events import shown
from okdrop.inbox.revision import revision_of
from okdrop.names import Names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from okdrop.drop import Revision

_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR})

Known: TypeAlias = Callable[[bytes, os.stat_result], bool]
"""Whether a video is known as it stands, so that nobody has to hear of it."""

Identity: TypeAlias = tuple[int, int]
"""Which folder it is that lies at a path (st_dev, st_ino): another one may come to lie there."""


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


class FolderUnmounted(FolderError):
    """The folder is suddenly on another device, without what lay in it: what was mounted there is not."""

    code = "folder_unmounted"
    hint = "mount it again; okdrop goes on by itself, also once there is a video in the folder as it is"


class FolderUnmarked(FolderError):
    """The folder lacks the marker that says that it is the right one: what was mounted there may not be."""

    code = "folder_unmarked"
    hint = "mount what holds it; or make the marker anew, or correct `marker` in [[watch]]"


class FolderHangs(FolderError):
    """Whoever looks into the folder gets no answer: a mount whose server is gone, or a disk that is ill."""

    code = "folder_hangs"
    hint = "see why what is mounted there does not answer; okdrop goes on by itself once it does"


class Progress:
    """How far a look has come: written in its thread, read in others."""

    def __init__(self, folder: bytes) -> None:
        self.at = folder  #: the folder, or the path, that is being looked at
        self.steps = 0


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
    """What a scan saw: files by the oldest modification first, then by path."""

    found: list[Found]
    problems: list[Problem]
    folders: Mapping[bytes, Identity]  #: every folder that could be listed, the watched one among them
    is_empty: bool = False  #: nothing at all lies in the watched folder
    device: int = 0  #: the device that the watched folder is on (st_dev)


def scan(
    folder: bytes,
    *,
    suffixes: Collection[str],
    ignore: Sequence[str],
    known: Known | None = None,
    progress: Progress | None = None,
    marker: str = "",
) -> Scan:
    """Look through a folder and all folders in it; blocking, so it belongs into a thread.

    Only regular files count. Symbolic links below the folder are never followed: one that leaves the
    folder leads to what nobody dropped, and the target of one that stays is found by itself. The folder
    itself may be a link.

    Args:
        folder: the watched folder, absolute.
        suffixes: what a video's name ends in, and
        ignore: patterns of names to pass over; both as `Names` reads them.
        known: asked of every video; one that is known is left out.
        progress: told how far the look has come.
        marker: what has to lie in the folder, before and after the look; "": nothing has to.

    Raises:
        FolderMissing: there is no such folder.
        FolderUnreadable: it cannot be listed.
        FolderUnmarked: the marker is not there.
    """
    walk = _Walk(Names(suffixes, ignore), known, progress or Progress(folder))
    try:
        entries = walk.list_folder(folder)
    except OSError as error:
        kind = FolderMissing if error.errno in _VANISHED else FolderUnreadable
        raise kind(f"{shown(folder)}: {_reason(error)}") from error
    require(folder, marker)
    walk.list_the_rest()
    require(folder, marker)
    seen = walk.result()
    return dataclasses.replace(seen, is_empty=not entries, device=seen.folders[folder][0])


def look_at(
    folder: bytes,
    paths: Iterable[bytes],
    *,
    suffixes: Collection[str],
    ignore: Sequence[str],
    known: Known | None = None,
    progress: Progress | None = None,
    marker: str = "",
) -> Scan:
    """Look at single paths in a watched folder, by the rules of `scan`; blocking.

    A file counts if a scan would have found it: no name on the way to it is ignored, nothing on the way is
    a symbolic link. A folder is looked through. What is not there, or lies elsewhere, is passed over.

    Raises:
        FolderUnmarked: the marker is not there.
    """
    require(folder, marker)
    walk = _Walk(Names(suffixes, ignore), known, progress or Progress(folder))
    for path in paths:
        walk.visit(folder, path)
    walk.list_the_rest()
    require(folder, marker)
    return walk.result()


def require(folder: bytes, marker: str) -> None:
    """Make sure that a folder is the right one; blocking.

    Raises:
        FolderUnmarked: its marker, where it has one, is not there.
    """
    if marker and not os.path.lexists(folder + b"/" + os.fsencode(marker)):
        raise FolderUnmarked(f"{shown(folder)}: the marker {shown(os.fsencode(marker))} is not there")


class _Walk:
    """A walk with its own stack: the depth of a tree must not be bounded by Python's."""

    def __init__(self, names: Names, known: Known | None, progress: Progress) -> None:
        self._names = names
        self._progress = progress
        self._known = known
        self._folders: list[bytes] = []
        self._listed: dict[bytes, Identity] = {}
        self._ways: dict[bytes, bool] = {}
        self.found: dict[bytes, Found] = {}
        self.problems: list[Problem] = []

    def result(self) -> Scan:
        return Scan(
            found=sorted(self.found.values(), key=lambda one: (one.revision.mtime_ns, one.path)),
            problems=sorted(self.problems, key=lambda one: one.path),
            folders=self._listed,
        )

    def list_the_rest(self) -> None:
        """List the folders that were met; one that cannot be listed does not stop the rest."""
        while self._folders:
            folder = self._folders.pop()
            try:
                self.list_folder(folder)
            except OSError as error:
                self._note(folder, error)

    def list_folder(self, folder: bytes) -> int:
        """List a folder, and return how many entries it has; one that was listed is not listed again."""
        if folder in self._listed:
            return 0
        count = 0
        self._progress.at = folder
        status = Path(os.fsdecode(folder)).stat()  # first: one that comes to lie here meanwhile is news
        with os.scandir(folder) as entries:
            for entry in entries:
                count += 1
                self._progress.steps += 1
                try:
                    self._meet(entry)
                except OSError as error:
                    self._note(entry.path, error)
        self._listed[folder] = (status.st_dev, status.st_ino)
        return count

    def visit(self, folder: bytes, path: bytes) -> None:
        """Meet a single path, if it lies in the folder and a walk would come by."""
        if path == folder:
            self._folders.append(path)
            return
        if not path.startswith(folder + b"/"):
            return
        self._progress.at = path
        self._progress.steps += 1
        try:
            above, _, name = path.rpartition(b"/")
            if self._is_way(folder, above) and not self._names.ignores(os.fsdecode(name)):
                self._meet_status(path, os.fsdecode(name), os.lstat(path))
        except OSError as error:
            self._note(path, error)

    def _is_way(self, folder: bytes, path: bytes) -> bool:
        """Whether a walk from the folder comes to this folder below it."""
        if path == folder:
            return True
        if path not in self._ways:
            above, _, name = path.rpartition(b"/")
            self._ways[path] = (
                self._is_way(folder, above)
                and not self._names.ignores(os.fsdecode(name))
                and stat.S_ISDIR(os.lstat(path).st_mode)
            )
        return self._ways[path]

    def _meet(self, entry: os.DirEntry[bytes]) -> None:
        name = os.fsdecode(entry.name)
        if self._names.ignores(name):
            return
        if entry.is_dir(follow_symlinks=False):
            self._folders.append(entry.path)
        elif self._names.is_video(name) and entry.is_file(follow_symlinks=False):
            self._meet_file(entry.path, entry.stat(follow_symlinks=False))

    def _meet_status(self, path: bytes, name: str, status: os.stat_result) -> None:
        if stat.S_ISDIR(status.st_mode):
            self._folders.append(path)
        elif self._names.is_video(name):
            self._meet_file(path, status)

    def _meet_file(self, path: bytes, status: os.stat_result) -> None:
        if stat.S_ISREG(status.st_mode) and (self._known is None or not self._known(path, status)):
            self.found[path] = Found(path=path, revision=revision_of(status))

    def _note(self, path: bytes, error: OSError) -> None:
        if error.errno not in _VANISHED:
            self.problems.append(Problem(path=path, reason=_reason(error)))


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
