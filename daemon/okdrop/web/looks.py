"""A look into the ledger beside the daemon's own work: read only, a few at once, each in its own thread."""

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


class Looks:
    """Looks into one ledger.

    Args:
        url: of the ledger.
    """

    def __init__(self, url: str) -> None:
        self._url: Final = url
        self._few: Final = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, work: Callable[[Reader], T]) -> T:
        """What `work` finds; it sees one moment. One that hangs keeps its place, also if nobody waits on.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        await self._few.acquire()
        looking = begun(partial(self._look, work), name="web-look")
        looking.add_done_callback(self._done)
        return await asyncio.shield(looking)

    def _done(self, looking: asyncio.Future[T]) -> None:
        self._few.release()
        looking.exception()  # whoever waited has it; if nobody does, it is nobody's

    def _look(self, work: Callable[[Reader], T]) -> T:
        with read_only(self._url) as reader:
            return work(reader)
