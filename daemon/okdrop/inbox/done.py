"""Whether whoever writes a file has said that it is done: by a marker beside it, or in a manifest.

A marker of `clip.mp4` is called `clip.mp4.done` or `clip.done`, lies in the same folder, and may hold
anything, or nothing. A manifest lists names (`okdrop.inbox.manifest`); it lies in the file's folder, or in
one above it up to the watched one, where the nearest one that lists the file holds.

Both are only looked at. They stay where they are, also once the file is published, moved or deleted.
"""

from __future__ import annotations

import dataclasses
import os
import stat
from typing import TYPE_CHECKING, Final

from okdrop.events import shown
from okdrop.inbox.manifest import NO_PROMISE, Manifest, Promise, parse
from okdrop.inbox.revision import revision_of
from okdrop.inbox.source import FLAGS
from okdrop.rules import Done

if TYPE_CHECKING:
    from collections.abc import Iterator

    from okdrop.config import Watch
    from okdrop.drop import Revision

LARGEST_MANIFEST: Final = 16 * 1024 * 1024
"""Bytes of a manifest that is read; a larger one lists nothing."""

MANIFESTS: Final = 64
"""Manifests of which is remembered what they list; of every other, only since when it is what it is."""

UNASKED: Final = 86_400.0
"""Seconds after which a manifest that nobody asked for is forgotten, once there are many."""

MANY: Final = 1000
"""Manifests up to which none is looked for that nobody asks for any more."""

LAST_LINE: Final = 5.0
"""Seconds for which a manifest has to be quiet until a last line without an end counts as whole."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a folder asks for: `name` is how its markers end, or what its manifests are called."""

    done: Done = Done.QUIET
    name: bytes = b""

    def __bool__(self) -> bool:
        return self.done is not Done.QUIET


NO_DEMAND: Final = Demand()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of a file: that it is done, or in words why that is not so yet."""

    waits_for: str = ""  #: "": it is done
    promise: Promise = NO_PROMISE
    by: str = ""  #: which manifest promises it, as it may be shown

    def misfit(self, revision: Revision) -> str:
        """What of a file's size is not as it was said, in words; "": nothing is."""
        size = self.promise.size
        if size is None or size == revision.size:
            return ""
        return f"{self.by} says {size} bytes, it has {revision.size}"


NOT_ASKED: Final = Said()


@dataclasses.dataclass(slots=True)
class _Read:
    revision: Revision
    since: float
    asked: float
    manifest: Manifest | None  #: None: it was forgotten, and has to be read again


class Sayings:
    """What markers and manifests say; remembers manifests as they were read. Used in one thread at a time."""

    def __init__(self) -> None:
        self._read: Final[dict[bytes, _Read]] = {}
        self._parsed: Final[dict[bytes, None]] = {}  #: those whose lines are remembered, the latest last
        self._many = MANY

    def of(self, path: bytes, folder: bytes, demand: Demand, now: float) -> Said:
        """Look for what is said of a file; blocking.

        Args:
            path: the file.
            folder: the watched folder that holds it.
            demand: what that folder asks for.
            now: seconds on a monotonic clock.
        """
        match demand.done:
            case Done.QUIET:
                return NOT_ASKED
            case Done.MARKER:
                return _marked(path, demand.name)
            case Done.MANIFEST:
                return self._listed(path, folder, demand.name, now)

    def _listed(self, path: bytes, folder: bytes, name: bytes, now: float) -> Said:
        seen = ""
        for place, below in _above(path, folder):
            manifest = place + b"/" + name
            if (read := self._manifest(manifest, now)) is None:
                continue
            listed, since = read
            promise = listed.promises.get(below)
            seen = seen or shown(manifest[len(folder) + 1 :])
            if promise is not None and (below != listed.last or now >= since + LAST_LINE):
                return Said(promise=promise, by=shown(manifest[len(folder) + 1 :]))
        return Said(waits_for=f"{seen} does not list it" if seen else f"no {shown(name)} yet")

    def _manifest(self, path: bytes, now: float) -> tuple[Manifest, float] | None:
        """A manifest as it is now, and since when it is; None: there is none that can be read."""
        try:
            descriptor = os.open(path, FLAGS)
        except OSError:
            self._read.pop(path, None)
            self._parsed.pop(path, None)
            return None
        try:
            return self._as_read(path, descriptor, now)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def _as_read(self, path: bytes, descriptor: int, now: float) -> tuple[Manifest, float] | None:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_MANIFEST:
            return None
        revision, known = revision_of(status), self._read.get(path)
        if known is None or known.revision != revision:
            self._forget_unasked(now)
            known = self._read[path] = _Read(revision, now, now, None)
        known.asked = now
        if known.manifest is None:
            known.manifest = parse(_whole(descriptor, status.st_size))
            self._forget_but(path)
        return known.manifest, known.since

    def _forget_unasked(self, now: float) -> None:
        """Forget those that nobody asks for any more: their files were taken, or are gone."""
        if len(self._read) < self._many:
            return
        for path in [path for path, read in self._read.items() if now - read.asked > UNASKED]:
            del self._read[path]
            self._parsed.pop(path, None)
        self._many = max(MANY, 2 * len(self._read))  # so that each is looked at but a few times

    def _forget_but(self, path: bytes) -> None:
        """Keep what this manifest lists, and what not too many others do: those that were read last."""
        self._parsed.pop(path, None)
        self._parsed[path] = None
        while len(self._parsed) > MANIFESTS:
            oldest = next(iter(self._parsed))
            del self._parsed[oldest]
            self._read[oldest].manifest = None


def demand_of(watch: Watch) -> Demand:
    """What a folder asks for, by the configuration."""
    return Demand(done=watch.done, name=os.fsencode(watch.done_name))


def _whole(descriptor: int, size: int) -> bytes:
    pieces: list[bytes] = []
    while size > 0 and (piece := os.read(descriptor, size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _marked(path: bytes, ending: bytes) -> Said:
    folder, _, name = path.rpartition(b"/")
    markers = [name + ending]
    if name.rfind(b".") > 0:
        markers.append(name[: name.rfind(b".")] + ending)
    if any(_is_file(folder + b"/" + marker) for marker in markers):
        return NOT_ASKED
    return Said(waits_for=f"no {shown(markers[0])} yet")


def _is_file(path: bytes) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:  # a name too long for the file system is none that anybody could have made
        return False


def _above(path: bytes, folder: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The folders from that of a file up to the watched one, each with the file's name from there on."""
    place, _, below = path.rpartition(b"/")
    while True:
        yield place, below
        if not place.startswith(folder + b"/"):
            return
        place, _, part = place.rpartition(b"/")
        below = part + b"/" + below
