"""A file that is read block after block: what the kernel has in its cache at once, the rest in threads.

Most of what is dropped was written a moment ago. To fetch that from the kernel's cache takes less than to
wake a thread for it, and waits for no disk (RWF_NOWAIT, preadv2(2)). What is not in the cache, or lies where
the kernel cannot tell (network mounts, FUSE), a thread reads; and so it does where reading is gentle.
"""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from aiofiles.threadpool import wrap

from okdrop.inbox.reading import PLAIN, Behind

if TYPE_CHECKING:
    from aiofiles.threadpool.binary import AsyncFileIO

    from okdrop.inbox.reading import Reading

Note: TypeAlias = Callable[[bytes | memoryview], object]
"""Is given bytes that were read, in order; a view of them holds only until it returns."""

TURN: Final = 1024 * 1024
"""Bytes that come at once before everybody else has a turn of the loop."""

_AT_ONCE: Final[int] = getattr(os, "RWF_NOWAIT", 0)
_WHERE_IT_STANDS: Final = -1  # for an offset: the file's own, which moves on by what is read


class NotedFile(io.FileIO):
    """An open file that tells of what is read from it.

    Whoever gives up waiting for a thread may close it at once: it waits for the read that still runs, instead
    of freeing the descriptor under it.

    Args:
        path: what to open.
        opener: opens it; returns the descriptor.
        note: given what is read, in the thread that read it: to hash there costs no visit to a thread more.
        reading: how it is read.
    """

    def __init__(
        self,
        path: str,
        opener: Callable[[str, int], int],
        note: Note | None = None,
        *,
        reading: Reading = PLAIN,
    ) -> None:
        self._lock: Final = threading.Lock()
        self._note: Final = note
        self.reading: Final = reading
        self._cache_tells = _AT_ONCE != 0 and not reading.is_gentle
        super().__init__(path, "rb", opener=opener)
        self._behind: Final = Behind(self.tell()) if reading.is_gentle else None

    def read(self, size: int | None = -1, /) -> bytes:
        """Read what comes next, however long it takes; at the end of the file nothing."""
        with self._lock:
            block = super().read(size) or b""
            self._tell(block)
            if self._behind is not None:
                self._behind.passed(self.fileno(), self.tell())
        return block

    def cached(self, size: int) -> memoryview | None:
        """What the kernel's cache holds of the next bytes; None: nothing, or it does not say."""
        if not self._cache_tells:
            return None
        block = memoryview(bytearray(size))
        try:
            count = os.preadv(self.fileno(), [block], _WHERE_IT_STANDS, _AT_ONCE)
        except BlockingIOError:
            return None
        except OSError:  # this file system does not tell, or the thread will meet the same
            self._cache_tells = False
            return None
        self._tell(block[:count])
        return block[:count]

    def close(self) -> None:
        """Close it, after a read that runs in a thread."""
        with self._lock:
            if self._behind is not None and not self.closed:
                self._behind.end(self.fileno(), self.tell())
            super().close()

    def _tell(self, block: bytes | memoryview) -> None:
        if self._note is not None:
            self._note(block)


class Blocks:
    """The next `count` bytes of a file, in blocks of `block_size` at most."""

    def __init__(self, file: NotedFile, count: int, block_size: int) -> None:
        self._file: Final = file
        loop, executor = asyncio.get_running_loop(), file.reading.executor
        self._in_threads: Final[AsyncFileIO] = wrap(file, loop=loop, executor=executor)
        self._block_size: Final = block_size
        self._since_turn = 0
        self.left = count  #: bytes that are still to be given out

    async def next(self) -> bytes | memoryview:
        """One more block; nothing where the file ends early.

        Each is an object of its own: a transport may keep what it is given until it can send it.

        Raises:
            OSError: the file cannot be read.
        """
        if self._since_turn >= TURN:
            self._since_turn = 0
            await asyncio.sleep(0)
        size = min(self.left, self._block_size)
        block = self._file.cached(size) or await self._in_threads.read(size)
        self._since_turn += len(block)
        self.left -= len(block)
        return block
