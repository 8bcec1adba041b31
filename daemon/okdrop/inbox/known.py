"""What the ledger was seen to know of the files in a folder, so that a rescan need not ask for all again.

A memory for speed alone, in which the ledger's answers are kept as two numbers for each file (about 100
bytes): one stands for the path, one for the path with the size and the time it had. Two paths that fall
together are asked after at each scan; a file would be overlooked only if both numbers of it fell together
with another's, which by chance does not happen in the life of the universe.

What it holds is forgotten when the file is looked at further, when a new row of its path is written, when it
is not seen at a scan, and altogether when another process wrote to the ledger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    from okdrop.drop import Drop
    from okdrop.inbox.walk import Found


class Sighting:
    """One scan's questions: says what is known, and remembers what was seen. Used in the scan's thread.

    Args:
        known: the marks of files, by their paths.
        is_busy: whether somebody knows this file for another reason, and nobody else has to hear of it.
    """

    def __init__(self, known: dict[int, int], is_busy: Callable[[bytes], bool]) -> None:
        self._known = known
        self._is_busy = is_busy
        self.seen: set[int] = set()

    def expects(self, path: bytes) -> bool:
        """Whether a file was known at this path before."""
        return hash(path) in self._known

    def __call__(self, path: bytes, status: os.stat_result, /) -> bool:
        """Whether this file is known as it stands."""
        key = hash(path)
        self.seen.add(key)
        mark = _mark(path, status.st_size, status.st_mtime_ns)
        return self._known.get(key) == mark or self._is_busy(path)


class KnownFiles:
    """The files of one folder that the ledger was seen to know."""

    def __init__(self) -> None:
        self._marks: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._marks)

    def sighting(self, is_busy: Callable[[bytes], bool] = lambda _: False) -> Sighting:
        """What a scan asks. Changes that are made during the scan count."""
        return Sighting(self._marks, is_busy)

    def note(self, files: Iterable[Drop | Found]) -> None:
        """The ledger knows these."""
        for one in files:
            self._marks[hash(one.path)] = _mark(one.path, one.revision.size, one.revision.mtime_ns)

    def forget(self, path: bytes) -> None:
        """What is known of this path may change: ask again."""
        self._marks.pop(hash(path), None)

    def forget_all(self) -> None:
        """Anything may have changed."""
        self._marks.clear()

    def keep(self, sighting: Sighting) -> None:
        """Forget what a whole scan did not see."""
        for key in self._marks.keys() - sighting.seen:
            del self._marks[key]


def _mark(path: bytes, size: int, mtime_ns: int) -> int:
    # `hash` of bytes is keyed by chance anew in each process: nobody can choose names that fall together.
    return hash((path, size, mtime_ns))
