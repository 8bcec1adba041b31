"""Holds what is sent to a rate: one for the process, and perhaps one more for a folder.

Bytes are let through in pieces of a few hundredths of a second each, every one at its own time, so that the
line is used evenly; connections take turns. Whoever comes late has a small credit, since timers fire late:
what was lost to them is made up for, what was not asked for is not.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from okdrop import events

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
    from datetime import datetime

    from okdrop.config.bandwidth import Bandwidth

CREDIT: Final = 0.1
"""Seconds by which a piece may be late without the next ones being late for it."""

PIECES_A_SECOND: Final = 20
SMALLEST_PIECE: Final = 512
"""Bytes let through at once, at least."""


class Turns:
    """When each piece may leave, for all of them to keep to a rate. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._free_at = 0.0

    def wait(self, count: int, rate: int, now: float) -> float:
        """Give `count` bytes their turn; returns how many seconds it is off."""
        start = max(self._free_at, now - CREDIT)
        self._free_at = start + count / rate
        return max(0.0, start - now)

    def begin_anew(self, now: float) -> None:
        """Forget whose turn it was to be: another rate holds."""
        self._free_at = now


class Throttle:
    """One limit, on all that passes.

    Args:
        bandwidth: the rate, or a timetable of rates.
        now: aware times; a timetable goes by the local clock.
        monotonic: seconds.
        emit: told when another rate holds.
        folder: whose limit it is; "" for the process's.
    """

    def __init__(
        self,
        bandwidth: Bandwidth,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        emit: events.Emit,
        folder: str = "",
    ) -> None:
        self._now: Final = now
        self._monotonic: Final = monotonic
        self._emit: Final = emit
        self._folder: Final = folder
        self._bandwidth = bandwidth
        self._turns: Final = Turns()
        self._changed = asyncio.Event()
        self._rate = self._rate_now()

    @property
    def bandwidth(self) -> Bandwidth:
        """The rate, or the timetable, that it goes by."""
        return self._bandwidth

    def look(self) -> int | None:
        """Bytes a second that hold now, None for no limit; tells when they are others than before."""
        rate = self._rate_now()
        if rate != self._rate:
            self._rate = rate
            self._turns.begin_anew(self._monotonic())
            self._changed.set()
            self._changed = asyncio.Event()
            self._emit(events.BandwidthChanged(folder=self._folder, rate=rate or 0))
        return rate

    def tell(self) -> None:
        """Say which limit holds at the start, where there may be one."""
        if self._bandwidth.points:
            self._emit(events.BandwidthChanged(folder=self._folder, rate=self._rate or 0))

    def set(self, bandwidth: Bandwidth) -> None:
        """Another rate or timetable, from now on; whoever waits goes by it."""
        self._bandwidth = bandwidth
        self.look()

    def _rate_now(self) -> int | None:
        return self._bandwidth.rate_at(self._now().astimezone()) if self._bandwidth.points else None

    async def take(self, count: int) -> None:
        """Wait until so many bytes may leave."""
        while (rate := self.look()) is not None:
            changed = self._changed
            delay = self._turns.wait(count, rate, self._monotonic())
            if not delay or not await _happens(changed, within=delay):
                return


def piece(rate: int) -> int:
    """How many bytes pass at once at a rate."""
    return max(rate // PIECES_A_SECOND, SMALLEST_PIECE)


async def throttled(
    blocks: AsyncIterator[bytes | memoryview], throttles: Sequence[Throttle]
) -> AsyncGenerator[bytes | memoryview, None]:
    """The same bytes, in time; in smaller blocks where a limit asks for it."""
    async for block in blocks:
        rest = block
        while rest:
            rates = [rate for throttle in throttles if (rate := throttle.look()) is not None]
            part = rest[: min(map(piece, rates))] if rates else rest
            for throttle in throttles if rates else ():
                await throttle.take(len(part))
            yield part
            rest = rest[len(part) :]


async def _happens(event: asyncio.Event, *, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        return False
    return True
