"""A descriptor of a file while its upload is in hand: by it a file that was renamed is found again.

The kernel knows under which name an open file lies now (`/proc/self/fd`). That word is only a hint, since a
name may really end in " (deleted)", and since anything may happen between the word and its use: whoever takes
it looks there whether the same revision lies there.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from okdrop.inbox.reading import forget
from okdrop.inbox.revision import revision_at, revision_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Revision

_REMOVED_ON_NFS: Final = b".nfs"
"""What a client of NFS renames a file to that is deleted while it is open."""


class Hold:
    """Holds a file; every method blocks, and may be called from any thread.

    As long as it is not closed, the file system that the file is on cannot be unmounted but lazily.

    Args:
        descriptor: of the file; closed by `close`.
        forgets: take the file out of the kernel's cache then.
    """

    def __init__(self, descriptor: int, *, forgets: bool = False) -> None:
        self._forgets: Final = forgets
        self._descriptor: int | None = descriptor
        self._lock: Final = threading.Lock()

    def close(self) -> None:
        """Let go of the file. May be called again."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is not None:
                if self._forgets:
                    forget(descriptor)  # what was read ahead too, and what lies across the ends of spans
                os.close(descriptor)

    def is_deleted(self) -> bool:
        """Whether the file is surely deleted: it has no name any more, and never will."""
        with self._lock:
            if self._descriptor is None:
                return False
            try:
                return os.fstat(self._descriptor).st_nlink == 0 or self._is_removed_on_nfs(self._descriptor)
            except OSError:
                return False

    def whereabouts(self, revision: Revision, place: Callable[[bytes], bytes | None]) -> bytes | None:
        """The path at which this very revision lies now.

        Args:
            revision: what the file has to be still.
            place: what a path is called by whoever sends the file; None: it is not sent from there.

        Returns:
            The path as `place` calls it; None when the file is another revision, is deleted, or went where it
            is not sent from.
        """
        with self._lock:
            if self._descriptor is None:
                return None
            try:
                if revision_of(os.fstat(self._descriptor)) != revision:
                    return None
                named = _name_of(self._descriptor)
            except OSError:
                return None
        # "(unreachable)…" is the kernel's word for what lies outside of our root, or on a mount taken off.
        path = place(named) if named.startswith(b"/") else None
        return path if path is not None and revision_at(path) == revision else None

    @staticmethod
    def _is_removed_on_nfs(descriptor: int) -> bool:
        return _name_of(descriptor).rpartition(b"/")[2].startswith(_REMOVED_ON_NFS)


def _name_of(descriptor: int) -> bytes:
    return os.fsencode(Path(f"/proc/self/fd/{descriptor}").readlink())
