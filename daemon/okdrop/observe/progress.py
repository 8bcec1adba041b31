"""Whether what could go on does: the difference between a daemon that waits and one that hangs.

Work that could go on is an upload in somebody's hands, or one that waits for nothing but a worker. As long as
there is some, something moves: bytes leave or are acknowledged, files are read, uploads come to an end, or
trouble is met, which says for how long it waits. If none of that happens for long, and nothing that is known
and told stands in the way, a new start is the only thing that is left to try.

Whether there is work is looked at every minute (`watch`), and whenever it is asked. So the time counts from
when there was some again: what was done long ago is not held against what has only begun.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NoReturn

from okdrop import events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LIMIT: Final = 900.0
"""Seconds without any movement after which it counts as hanging, at least."""


EVERY: Final = 60.0
"""Seconds between two looks whether there is work."""


class Progress:
    """A listener to events.

    Args:
        monotonic: seconds.
        could_go_on: whether there is work that nothing known stands in the way of.
        read: a count that grows as files are read beside the sending.
        limit: seconds for which nothing may move.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        could_go_on: Callable[[], bool],
        read: Callable[[], int],
        limit: float = LIMIT,
    ) -> None:
        self._monotonic: Final = monotonic
        self._could_go_on: Final = could_go_on
        self._read: Final = read
        self._limit: Final = limit
        self._moved = monotonic()
        self._had_work = False
        self._read_before = 0

    def hear(self, event: events.Event) -> None:
        """Take note of what moves, and of who waits for how long."""
        if isinstance(event, _MOVES):
            self._move()
        elif isinstance(event, events.UploadTrouble | events.UploadWaits):
            self._move(event.delay)

    async def watch(self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> NoReturn:
        """Look regularly; ends when cancelled."""
        while True:
            await sleep(EVERY)
            self._look(self._monotonic())

    @property
    def still_for(self) -> float:
        """Seconds for which nothing has moved though something could; 0 where nothing has to."""
        now = self._monotonic()
        self._look(now)
        return max(0.0, now - self._moved)

    @property
    def is_stuck(self) -> bool:
        """Whether that is too long."""
        return self.still_for > self._limit

    def _look(self, now: float) -> None:
        """See whether there is work, and whether there was some at the last look."""
        has_work, read = self._could_go_on(), self._read()
        if not (has_work and self._had_work) or read != self._read_before:
            self._moved = max(self._moved, now)
        self._had_work, self._read_before = has_work, read

    def _move(self, ahead: float = 0.0) -> None:
        self._moved = max(self._moved, self._monotonic() + ahead)


_MOVES: Final = (
    events.TicketIssued,
    events.UploadProgress,
    events.SegmentStored,
    events.UploadWhole,
    events.UploadPublished,
    events.UploadNotYetPublished,
    events.UploadAwaitsSidecar,
    events.UploadWaitsForTwin,
    events.UploadFailed,
    events.UploadCancelled,
    events.UploadSuperseded,
    events.UploadDuplicate,
)
"""That a worker took it up is none: it may do that again and again, and come no further."""
