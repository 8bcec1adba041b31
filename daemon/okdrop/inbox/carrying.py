"""What lies beside a video and goes with it: files of its stem or its name, with a suffix that is known.

    holiday.mp4    holiday.json, holiday.srt, holiday.JPG     of its stem
                   holiday-poster.jpg                         of its stem, as a cover may be called
                   holiday.mp4.json                           of its name

Which files those are is seen before the video is touched: what comes to lie there later is of the next video
of that name, whose sidecars may well be written before it. Those of the stem stay while another video of that
stem lies there (holiday.mkv): they are that one's too; and so does holiday-poster.jpg beside a video
holiday-poster.mp4. Nothing is overwritten, and what is no plain file, or
another revision by then, is left alone. Blocking, for a thread.
"""

from __future__ import annotations

import dataclasses
import os
import stat
from typing import TYPE_CHECKING, Any, Final

from okdrop.drop import Revision
from okdrop.errors import Trouble
from okdrop.events import shown
from okdrop.inbox import filing
from okdrop.inbox.beneath import LinkedError, folder_of
from okdrop.inbox.beside import IMAGES, POSTER
from okdrop.inbox.errand import End, Errand
from okdrop.inbox.revision import revision_of
from okdrop.names import LONGEST_NAME

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence

    from okdrop.names import Names

_LEFT: Final = {
    End.TAKEN: "something lies where it would go",
    End.LEFT: "it changed meanwhile",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file beside a video, as it was seen while the video lay there."""

    path: bytes
    revision: Revision

    def as_json(self) -> list[Any]:
        """As it is written down before the video is touched."""
        return [os.fsdecode(self.path), *dataclasses.astuple(self.revision)]

    @classmethod
    def of_json(cls, value: Sequence[Any]) -> Seen:
        """As it was written down."""
        path, device, inode, size, mtime_ns = value
        revision = Revision(device=device, inode=inode, size=size, mtime_ns=mtime_ns)
        return cls(path=os.fsencode(path), revision=revision)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """A file beside a video, as it was seen, and where it goes; None: it is deleted."""

    path: bytes
    revision: Revision
    target: bytes | None

    def as_json(self) -> list[Any]:
        """As it is written down before it is touched."""
        seen = dataclasses.astuple(self.revision)
        return [os.fsdecode(self.path), None if self.target is None else os.fsdecode(self.target), *seen]

    @classmethod
    def of_json(cls, value: Sequence[Any]) -> Sidecar:
        """As it was written down."""
        path, target, device, inode, size, mtime_ns = value
        revision = Revision(device=device, inode=inode, size=size, mtime_ns=mtime_ns)
        return cls(
            path=os.fsencode(path), target=None if target is None else os.fsencode(target), revision=revision
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What came of some sidecars.

    Attributes:
        done: how many went.
        left: those that stay for good, with the reason.
        trouble: why some did not go yet; they are whole.
        stopped: we were asked to stop, and go on later.
    """

    done: int = 0
    left: tuple[tuple[bytes, str], ...] = ()
    trouble: Trouble | None = None
    stopped: bool = False


def seen_beside(video: bytes, suffixes: Sequence[str], folder: bytes = b"") -> list[Seen]:
    """What lies beside a video that is still there, and may go with it.

    Args:
        video: where it lies.
        suffixes: without dots, in small letters; looked for in small and in capital letters.
        folder: the watched folder: where a link leads on from there, nothing is seen. Empty: it lies in none.

    Raises:
        Trouble: the folder cannot be looked at.
    """
    with filing.translated():
        try:
            with folder_of(video, folder) as opened:
                return [*_found(video, suffixes, opened)]
        except (LinkedError, FileNotFoundError, NotADirectoryError):
            return []


def going(
    seen: Sequence[Seen], video: bytes, target: bytes | None, suffixes: Sequence[str], names: Names
) -> list[Sidecar]:
    """What of that goes with a video that went, each with its place beside the video's target.

    Args:
        seen: what lay beside it before it was touched.
        video: where it lay.
        target: where it went; None: it was deleted.
        suffixes: of what is to go by now, in small letters.
        names: which names are videos in that folder.

    Raises:
        Trouble: the folder cannot be looked at.
    """
    wanted = {*_endings(suffixes), *_endings_of_posters(suffixes)}
    bases = [(one, _base(one.path, video)) for one in seen]
    bases = [(one, base) for one, base in bases if one.path[len(base) :] in wanted]
    stem = _stem(video)
    if any(base == stem for _, base in bases):
        with filing.translated():
            others = _stems_of_others(video, names)
        bases = [(one, base) for one, base in bases if base != stem or others.isdisjoint(_owners(one, stem))]
    return [
        Sidecar(path=one.path, revision=one.revision, target=_place(one.path, base, video, target))
        for one, base in bases
    ]


def has_namesake(video: bytes, names: Names) -> bool:
    """Whether anything lies at this path, or another video of its stem beside: its sidecars are that one's.

    Raises:
        OSError: the folder cannot be looked at.
    """
    return os.path.lexists(video) or _stem(video.rpartition(b"/")[2]) in _stems_of_others(video, names)


def carry(sidecars: Sequence[Sidecar], key: str, stop: threading.Event) -> Carried:
    """Bring each to its place, or out of the world; what came to pass in an earlier life is seen.

    Args:
        sidecars: as they were written down before the first was touched.
        key: makes the hidden names this errand's own, the same after a restart.
        stop: set: go on later.
    """
    done, left, trouble = 0, list[tuple[bytes, str]](), None
    for number, sidecar in enumerate(sidecars):
        errand = Errand(
            source=sidecar.path,
            revision=sidecar.revision,
            digest=None,
            key=f"{key}-{number}",
            target=sidecar.target,
        )
        try:
            end = _carried(errand, stop)
        except Trouble as error:
            trouble = error
            continue
        if end is End.STOPPED:
            return Carried(done=done, left=tuple(left), trouble=trouble, stopped=True)
        done += end is End.DONE
        if end in _LEFT:
            left.append((sidecar.path, _LEFT[end]))
    return Carried(done=done, left=tuple(left), trouble=trouble)


def _carried(errand: Errand, stop: threading.Event) -> End:
    if errand.target is not None and len(os.path.basename(errand.target)) > LONGEST_NAME:
        return End.TAKEN
    end = filing.put_away(errand, stop)
    if end is End.TAKEN:
        filing.give_up(errand)
    return end


def _found(video: bytes, suffixes: Sequence[str], folder: int) -> Iterator[Seen]:
    """Plain files beside it, in its folder that was opened."""
    seen: set[bytes] = set()
    endings, posters = [*_endings(suffixes)], [*_endings_of_posters(suffixes)]
    names = [base + ending for base in (_stem(video), video) for ending in endings]
    for path in [*names, *(_stem(video) + ending for ending in posters)]:
        revision = _plain(path.rpartition(b"/")[2], folder)
        if revision is not None and path not in seen and path != video:
            seen.add(path)
            yield Seen(path=path, revision=revision)


def _endings(suffixes: Sequence[str]) -> Iterator[bytes]:
    for suffix in suffixes:
        yield from dict.fromkeys((b"." + suffix.encode(), b"." + suffix.upper().encode()))


def _endings_of_posters(suffixes: Sequence[str]) -> Iterator[bytes]:
    return (POSTER + ending for ending in _endings([one for one in suffixes if one in IMAGES]))


def _base(path: bytes, video: bytes) -> bytes:
    """What of the video's path a sidecar's begins with; all of its own where that is called otherwise."""
    stem = _stem(video)
    begins = ((video, b"."), (stem, b"."), (stem, POSTER + b"."))
    return next((base for base, goes_on in begins if path.startswith(base + goes_on)), path)


def _plain(name: bytes, folder: int) -> Revision | None:
    try:
        status = os.lstat(name, dir_fd=folder)
    except OSError as error:
        if isinstance(error, FileNotFoundError) or len(name) > LONGEST_NAME:
            return None
        raise
    return revision_of(status) if stat.S_ISREG(status.st_mode) else None


def _owners(one: Seen, stem: bytes) -> set[bytes]:
    """The stems, as names, of those videos to which a file of this stem may belong."""
    name = stem.rpartition(b"/")[2]
    return {name, name + POSTER} if one.path.startswith(stem + POSTER) else {name}


def _stems_of_others(video: bytes, names: Names) -> set[bytes]:
    """Which of the stems that matter other videos have that lie beside it."""
    folder, _, own = video.rpartition(b"/")
    wanted = {_stem(own), _stem(own) + POSTER}
    with os.scandir(folder or b"/") as entries:
        return {
            stem
            for entry in entries
            if (stem := _stem(entry.name)) in wanted
            and entry.name != own
            and names.takes(os.fsdecode(entry.name))
        }


def _stem(path: bytes) -> bytes:
    """The path without its suffix; a dot that begins a name begins none."""
    folder, slash, name = path.rpartition(b"/")
    dot = name.rfind(b".")
    return folder + slash + (name[:dot] if dot > 0 else name)


def _place(path: bytes, base: bytes, video: bytes, target: bytes | None) -> bytes | None:
    """Beside the target, under the name that the video has there."""
    if target is None:
        return None
    return (target if base == video else _stem(target)) + path[len(base) :]


def told(left: Sequence[tuple[bytes, str]]) -> str:
    """Those that stay, for a person."""
    return "; ".join(f"{shown(path)} is left: {why}" for path, why in left)
