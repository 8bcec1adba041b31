"""The queues between the stages: upload ids, some of them not due yet, and what is still open.

What stands in a queue is a hint; the ledger is the truth, and a restart fills the queues from it.
"""

from __future__ import annotations

import asyncio
from typing import Final


class Line:
    """A queue of upload ids that can be closed; an id put with a delay comes out when it is due."""

    def __init__(self) -> None:
        self._due: Final[asyncio.Queue[int | None]] = asyncio.Queue()
        self._timers: Final[dict[int, asyncio.TimerHandle]] = {}

    def put(self, upload: int, delay: float = 0.0) -> None:
        """Put an id in, due in `delay` seconds; one that waits already is due at the new time."""
        waiting = self._timers.pop(upload, None)
        if waiting is not None:
            waiting.cancel()
        if delay <= 0:
            self._due.put_nowait(upload)
            return
        loop = asyncio.get_running_loop()
        self._timers[upload] = loop.call_later(delay, self._ripen, upload)

    def _ripen(self, upload: int) -> None:
        del self._timers[upload]
        self._due.put_nowait(upload)

    async def get(self) -> int | None:
        """The next id that is due; None, to everyone, once the line is closed and emptied."""
        upload = await self._due.get()
        if upload is None:
            self._due.put_nowait(None)
        return upload

    def close(self) -> None:
        """Nothing more comes; ids that are not due yet stay in the ledger alone."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._due.put_nowait(None)


class OpenUploads:
    """Which uploads of this run have not come to their end yet; `--once` ends when none is left."""

    def __init__(self) -> None:
        self._ids: Final[set[int]] = set()
        self._none_left: Final = asyncio.Event()
        self._none_left.set()

    def __len__(self) -> int:
        return len(self._ids)

    def begin(self, upload: int) -> None:
        """An upload is on its way."""
        self._ids.add(upload)
        self._none_left.clear()

    def end(self, upload: int) -> None:
        """An upload came to its end, whichever."""
        self._ids.discard(upload)
        if not self._ids:
            self._none_left.set()

    async def wait_until_none(self) -> None:
        """Return when nothing is open."""
        await self._none_left.wait()
