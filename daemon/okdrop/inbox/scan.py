"""What lies in a watched folder right now.

A scan is what guarantees that nothing is overlooked; events from the kernel only make it quicker. So it
takes any tree as it comes: names of any bytes, folders that cannot be read, entries that vanish meanwhile,
pipes that bear a video's name. It opens folders only, never a file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from okdrop.errors import OkdropError
from okdrop.events import shown
from okdrop.inbox.walk import ANYTHING, VANISHED, Progress, Walk, Wanted, identity_of, reason_of
from okdrop.names import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from okdrop.inbox.walk import Found, Identity, Known, Problem
    from okdrop.rules import Left


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scan saw, or a part of it: files by the oldest modification first, then by path."""

    found: list[Found]
    problems: list[Problem]
    folders: Mapping[bytes, Identity]  #: every folder that was listed so far, the watched one among them
    is_empty: bool = False  #: nothing at all lies in the watched folder
    device: int = 0  #: the device that the watched folder is on (st_dev)
    free: int = -1  #: bytes that we may still write there, known once all was looked at; -1: not known
    left: Mapping[bytes, Left] = dataclasses.field(default_factory=dict)
    """What was passed over by the rules of the folder, each file or folder, whose path ends in "/"."""

    rest: Callable[[], Scan] | None = None  #: looks on from here, as `scan` does; None: all was looked at


def scan(  # noqa: PLR0913 - what holds of a folder, by name
    folder: bytes,
    *,
    suffixes: Collection[str],
    ignore: Sequence[str],
    known: Known | None = None,
    progress: Progress | None = None,
    marker: str = "",
    wanted: Wanted = ANYTHING,
    depth: int | None = None,
    at_most: int = sys.maxsize,
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
        wanted: which videos are taken, beside their names.
        depth: how many folders deep to look: 0 into the folder itself alone; None: into all of them.
        at_most: how many files to find before it is answered, with what is left to do as `rest`.

    Raises:
        FolderMissing: there is no such folder.
        FolderUnreadable: it cannot be listed.
        FolderUnmarked: the marker is not there.
        FolderUnmounted: it came to lie on another device meanwhile, and what was seen may be of either.
    """
    progress = progress or Progress(folder)
    names, deepest = Names(suffixes, ignore), _deepest(folder, depth)
    walk = Walk(names, known, progress, folder=folder, wanted=wanted, deepest=deepest)
    with _folder_errors(folder):
        device, _ = walk.begin(folder)
    require(folder, marker)

    def go_on() -> Scan:
        with _folder_errors(folder):
            seen = _looked_on(walk, folder, marker, at_most)
            if seen.rest is None and identity_of(folder)[0] != device:
                raise FolderUnmounted(f"{shown(folder)} lies on another device than when the look began")
        if seen.rest is not None:
            return dataclasses.replace(seen, is_empty=not progress.steps, device=device, rest=go_on)
        return dataclasses.replace(seen, is_empty=not progress.steps, device=device, free=_free(folder))

    return go_on()


def _free(folder: bytes) -> int:
    """Bytes that whoever is not root may still write there; -1: the file system does not say."""
    try:
        there = os.statvfs(folder)
    except OSError:
        return -1
    return there.f_bavail * there.f_frsize


@contextlib.contextmanager
def _folder_errors(folder: bytes) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = FolderMissing if error.errno in VANISHED else FolderUnreadable
        raise kind(f"{shown(folder)}: {reason_of(error)}") from error


def look_at(  # noqa: PLR0913 - what holds of a folder, by name
    folder: bytes,
    paths: Iterable[bytes],
    *,
    suffixes: Collection[str],
    ignore: Sequence[str],
    known: Known | None = None,
    progress: Progress | None = None,
    marker: str = "",
    wanted: Wanted = ANYTHING,
    depth: int | None = None,
    at_most: int = sys.maxsize,
) -> Scan:
    """Look at single paths in a watched folder, by the rules of `scan`; blocking.

    A file counts if a scan would have found it: no name on the way to it is ignored, nothing on the way is
    a symbolic link. A folder is looked through. What is not there, or lies elsewhere, is passed over.

    Raises:
        FolderUnmarked: the marker is not there.
    """
    require(folder, marker)
    names, progress = Names(suffixes, ignore), progress or Progress(folder)
    deepest = _deepest(folder, depth)
    walk = Walk(names, known, progress, folder=folder, wanted=wanted, deepest=deepest)
    for path in paths:
        walk.visit(folder, path)
    return _looked_on(walk, folder, marker, at_most)


def _deepest(folder: bytes, depth: int | None) -> int | None:
    """How many slashes there are in the path of a folder so deep in this one."""
    return None if depth is None else folder.rstrip(b"/").count(b"/") + depth


def _looked_on(walk: Walk, folder: bytes, marker: str, at_most: int) -> Scan:
    more = walk.go_on(at_most)
    require(folder, marker)
    left, walk.left = walk.left, {}
    return Scan(
        left=left,
        found=walk.taken(),
        problems=sorted(walk.problems, key=lambda one: one.path),
        folders=dict(walk.listed),
        rest=partial(_looked_on, walk, folder, marker, at_most) if more else None,
    )


def require(folder: bytes, marker: str) -> None:
    """Make sure that a folder is the right one; blocking.

    Raises:
        FolderUnmarked: its marker, where it has one, is not there.
    """
    if marker and not os.path.lexists(folder + b"/" + os.fsencode(marker)):
        raise FolderUnmarked(f"{shown(folder)}: the marker {shown(os.fsencode(marker))} is not there")
