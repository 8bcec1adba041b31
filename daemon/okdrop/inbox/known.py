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
    from collections.abc import Iterable

    from okdrop.drop import Drop


class Sighting:
    """One scan's questions: says what is known, and remembers what was seen. Used in the scan's thread."""

    def __init__(self, known: dict[int, int]) -> None:
        self._known = known
        self.seen: set[int] = set()

    def __call__(self, path: bytes, status: os.stat_result) -> bool:
        """Whether this file is known as it stands."""
        key = hash(path)
        self.seen.add(key)
        return self._known.get(key) == _mark(path, status.st_size, status.st_mtime_ns)


class KnownFiles:
    """The files of one folder that the ledger was seen to know."""

    def __init__(self) -> None:
        self._marks: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._marks)

    def sighting(self) -> Sighting:
        """What a scan asks. Changes that are made during the scan count."""
        return Sighting(self._marks)

    def note(self, drops: Iterable[Drop]) -> None:
        """The ledger knows these."""
        for drop in drops:
            self._marks[hash(drop.path)] = _mark(drop.path, drop.revision.size, drop.revision.mtime_ns)

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
