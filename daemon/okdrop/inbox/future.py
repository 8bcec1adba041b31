"""From when the age of a file counts whose own time lies in the future.

A camera with a wrong clock writes such times, and by them a file would be too young for as long as its clock
is ahead, which may be years. When its inode changed (ctime) is written by the clock of whoever keeps the
file; where that lies in the future too, the age counts from when the file was found.
"""

from __future__ import annotations

import dataclasses
from typing import Final

NANOSECONDS: Final = 10**9

KEPT: Final = 86_400.0
"""Seconds for which a file that nobody asks about is remembered."""


@dataclasses.dataclass(slots=True)
class _Seen:
    facts: tuple[int, int]  #: size and modification time: what changed since counts anew
    since_ns: int
    asked: float


class FutureFiles:
    """The files of the future that were found, each with when its age began."""

    def __init__(self) -> None:
        self._seen: Final[dict[bytes, _Seen]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def counted_from(
        self, path: bytes, *, size: int, mtime_ns: int, ctime_ns: int | None = None, now: float
    ) -> int:
        """From when the age of a file counts, in nanoseconds since the epoch; never after `now`.

        Args:
            path: the file.
            size: bytes.
            mtime_ns: when it was modified, since the epoch.
            ctime_ns: when its inode was; None: that is not known.
            now: seconds since the epoch.
        """
        now_ns = int(now * NANOSECONDS)
        if mtime_ns <= now_ns:
            return mtime_ns
        seen = self._seen.get(path)
        if seen is None or seen.facts != (size, mtime_ns):
            since_ns = now_ns if ctime_ns is None else min(ctime_ns, now_ns)
            seen = self._seen[path] = _Seen((size, mtime_ns), since_ns, now)
        seen.asked = now
        return min(seen.since_ns, now_ns)

    def forget_old(self, now: float) -> None:
        """Forget what was not asked about for long; `now` is seconds since the epoch."""
        for path in [path for path, seen in self._seen.items() if now - seen.asked > KEPT]:
            del self._seen[path]
