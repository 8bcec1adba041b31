"""A walk through folders that can pause: what lies there, entry by entry, and what cannot be looked at.

A file that was known before needs no judgement of its name again, and one that is known as it stands is left
out: a look through a hundred thousand of them costs little more than the kernel's answers do.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import stat
import sys
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from okdrop.inbox.future import FutureFiles
from okdrop.inbox.revision import revision_of
from okdrop.rules import EVERYTHING, Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from okdrop.drop import Revision
    from okdrop.names import Names
    from okdrop.rules import Left

VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR})
"""What the kernel says of a path at which nothing lies (any more)."""

Identity: TypeAlias = tuple[int, int]
"""Which folder it is that lies at a path (st_dev, st_ino): another one may come to lie there."""


class Known(Protocol):
    """What is known of the files that a walk meets."""

    def expects(self, path: bytes) -> bool:
        """Whether a video was known at this path before: then its name is one that is taken."""

    def __call__(self, path: bytes, status: os.stat_result, /) -> bool:
        """Whether a video is known as it stands, so that nobody has to hear of it."""


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
class Wanted:
    """Which videos are wanted beside their names; `now` is seconds since the epoch, for their age.

    `future` remembers from when the age of those counts whose time lies in the future.
    """

    rules: Rules = EVERYTHING
    now: float = 0.0
    future: FutureFiles = dataclasses.field(default_factory=FutureFiles)

    def left_by_path(self, folder: bytes, path: bytes) -> Left | None:
        """Why what lies at a path below the watched folder is left; that of a folder ends in "/"."""
        if self.rules is EVERYTHING:
            return None
        return self.rules.left_by_path(os.fsdecode(path[len(folder.rstrip(b"/")) + 1 :]))

    def left(self, folder: bytes, path: bytes, status: os.stat_result) -> Left | None:
        """Why a file is left, by its path or its facts."""
        size, mtime_ns = status.st_size, status.st_mtime_ns
        if self.rules.asks_age:
            mtime_ns = self.future.counted_from(
                path, size=size, mtime_ns=mtime_ns, ctime_ns=status.st_ctime_ns, now=self.now
            )
        facts = self.rules.left_by_facts
        return self.left_by_path(folder, path) or facts(size=size, mtime_ns=mtime_ns, now=self.now)


ANYTHING: Final = Wanted()


@dataclasses.dataclass(frozen=True, slots=True)
class _Listing:
    """A folder that is being listed, and what is left of it."""

    folder: bytes
    identity: Identity
    entries: Iterator[os.DirEntry[bytes]]


class Walk:
    """A walk with its own stack: the depth of a tree must not be bounded by Python's.

    Args:
        names: which of them are taken.
        known: asked of every video; one that is known is left out. None: none is.
        progress: told how far the look has come.
        folder: the watched folder.
        wanted: which of them are left all the same.
        deepest: how many slashes the path of a folder has at most that is looked at; None: any number.
    """

    def __init__(
        self,
        names: Names,
        known: Known | None,
        progress: Progress,
        *,
        folder: bytes,
        wanted: Wanted = ANYTHING,
        deepest: int | None = None,
    ) -> None:
        self._names = names
        self._folder = folder
        self._wanted = wanted
        self.left: dict[bytes, Left] = {}  #: what was passed over by the rules since that was taken last
        self._progress = progress
        self._known = known
        self._deepest = sys.maxsize if deepest is None else deepest
        self._folders: list[bytes] = []
        self._first: bytes | None = None
        self._open: _Listing | None = None
        self._ways: dict[bytes, bool] = {}
        self._found: dict[bytes, Found] = {}
        self.listed: dict[bytes, Identity] = {}  #: every folder that was listed
        self.problems: list[Problem] = []

    def taken(self) -> list[Found]:
        """What was found since it was taken last: by the oldest modification first, then by path."""
        found = [*self._found.values()]
        self._found.clear()
        put_in_order(found)
        return found

    def begin(self, folder: bytes) -> Identity:
        """Begin with a folder; unlike those in it, it has to be listed. Returns which one it is.

        Raises:
            OSError: it cannot be listed.
        """
        self._first = folder
        self._open = self._opened(folder)
        os.scandir(folder).close()
        return self._open.identity

    def go_on(self, at_most: int) -> bool:
        """List what was begun, and the folders that were met, until so many files are found.

        Returns:
            Whether something is left to look at. A folder that cannot be listed does not stop the rest.

        Raises:
            OSError: the folder that the walk began with cannot be listed.
        """
        while self._open is not None or self._folders:
            try:
                if self._open is None:
                    self._open_next()
                elif self._has_to_pause(self._open, at_most):
                    return True
            except OSError as error:
                self._open = None
                if self._progress.at == self._first:
                    raise
                self._note(self._progress.at, error)
        return False

    def _open_next(self) -> None:
        folder = self._folders.pop()
        if folder not in self.listed:
            self._open = self._opened(folder)

    def _opened(self, folder: bytes) -> _Listing:
        self._progress.at = folder
        identity = identity_of(folder)  # first: one that comes to lie here meanwhile is news
        return _Listing(folder, identity, _entries(folder))

    def _has_to_pause(self, listing: _Listing, at_most: int) -> bool:
        """List on; returns whether enough is found before the folder is listed to its end."""
        progress, meet, found, left = self._progress, self._meet, self._found, self.left
        for entry in listing.entries:
            progress.steps += 1
            try:
                meet(entry)
            except OSError as error:
                self._note(entry.path, error)
            if len(found) + len(left) >= at_most:
                return True
        self.listed[listing.folder] = listing.identity
        self._open = None
        return False

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
            if (
                self._is_near(above)
                and self._is_way(folder, above)
                and not self._names.ignores(os.fsdecode(name))
            ):
                self._meet_status(path, os.fsdecode(name), os.lstat(path))
        except OSError as error:
            self._note(path, error)

    def _is_near(self, folder: bytes) -> bool:
        """Whether a folder is not too deep to be looked at."""
        return folder.count(b"/") <= self._deepest

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
        path, known = entry.path, self._known
        if known is not None and known.expects(path):
            status = entry.stat(follow_symlinks=False)
            if known(path, status) and stat.S_ISREG(status.st_mode):
                return
        name = os.fsdecode(entry.name)
        if self._names.ignores(name):
            return
        if entry.is_dir(follow_symlinks=False):
            self._meet_folder(path)
        elif self._names.is_video(name) and entry.is_file(follow_symlinks=False):
            self._meet_file(path, entry.stat(follow_symlinks=False))

    def _meet_status(self, path: bytes, name: str, status: os.stat_result) -> None:
        if stat.S_ISDIR(status.st_mode):
            self._meet_folder(path)
        elif self._names.is_video(name):
            self._meet_file(path, status)

    def _meet_folder(self, path: bytes) -> None:
        if not self._is_near(path):
            return
        left = self._wanted.left_by_path(self._folder, path + b"/")
        if left is None:
            self._folders.append(path)
        else:
            self.left[path + b"/"] = left

    def _meet_file(self, path: bytes, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode) or (self._known is not None and self._known(path, status)):
            return
        left = self._wanted.left(self._folder, path, status)
        if left is None:
            self._found[path] = Found(path=path, revision=revision_of(status))
        else:
            self.left[path] = left

    def _note(self, path: bytes, error: OSError) -> None:
        if error.errno not in VANISHED:
            self.problems.append(Problem(path=path, reason=reason_of(error)))


def identity_of(folder: bytes) -> Identity:
    """Say which folder lies at a path, once what is mounted there on demand is mounted; blocks.

    To ask for its status mounts nothing (stat(2), AT_NO_AUTOMOUNT), and tells of the place of the mount; to
    open it does (autofs, systemd.automount(5)).

    Raises:
        OSError: there is none, or it may not be listed.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return status.st_dev, status.st_ino


def _entries(folder: bytes) -> Iterator[os.DirEntry[bytes]]:
    """What lies in a folder, which is closed as well where nobody asks for the rest."""
    with os.scandir(folder) as entries:
        yield from entries


def put_in_order(found: list[Found]) -> None:
    """Sort files by the oldest modification, then by path; of many, a key for each would take its room."""
    found.sort(key=lambda one: one.path)
    found.sort(key=lambda one: one.revision.mtime_ns)


def reason_of(error: OSError) -> str:
    """The kernel's words."""
    return error.strerror or type(error).__name__
