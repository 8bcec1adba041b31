"""Looks beside the daemon's own work, into the ledger or at a file: a few at once, each in its own thread."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from okdrop.inbox.own_thread import begun
from okdrop.ledger import read_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.ledger import Reader

T = TypeVar("T")

AT_ONCE: Final = 2


class Few:
    """So many looks at once, at most. One that hangs keeps its place, also if nobody waits on.

    Args:
        at_once: how many.
    """

    def __init__(self, at_once: int) -> None:
        self._few: Final = asyncio.Semaphore(at_once)

    async def __call__(self, look: Callable[[], T]) -> T:
        """What `look` finds, which may block; it raises as that does."""
        await self._few.acquire()
        looking = begun(look, name="web-look")
        looking.add_done_callback(self._done)
        return await asyncio.shield(looking)

    def _done(self, looking: asyncio.Future[T]) -> None:
        self._few.release()
        looking.exception()  # whoever waited has it; if nobody does, it is nobody's


class Looks:
    """Looks into one ledger.

    Args:
        url: of the ledger.
    """

    def __init__(self, url: str) -> None:
        self._url: Final = url
        self._few: Final = Few(AT_ONCE)

    async def __call__(self, work: Callable[[Reader], T]) -> T:
        """What `work` finds; it sees one moment.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        return await self._few(partial(self._look, work))

    def _look(self, work: Callable[[Reader], T]) -> T:
        with read_only(self._url) as reader:
            return work(reader)
