"""What a person decides while it runs, carried out: another limit, a pause, other lines of the log.

It stands in the ledger, which tells whether another process wrote; so it is asked for at the start, and
again within a second of an order. A limit holds at once, also for the bytes of a segment that is on its way.
A pause and a level of the log are heeded by a daemon that stays; `run --once` and `upload` are orders of
their own. What has an end is over within a second of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.config import LogLevel
from okdrop.config.bandwidth import Bandwidth
from okdrop.ledger import BANDWIDTH, LOG_LEVEL, PAUSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from okdrop.ledger import Override
    from okdrop.pipeline.parts import Parts

LOOK_EVERY: Final = 1.0
"""Seconds between two questions whether anybody wrote."""

NO_LIMIT: Final = "off"


class Overrides:
    """Lets hold what stands in the ledger, and else what is configured.

    Args:
        parts: what all stages share.
        look_every: seconds between looks.
    """

    def __init__(self, parts: Parts, *, look_every: float = LOOK_EVERY) -> None:
        self._parts: Final = parts
        self._look_every: Final = look_every
        self._configured: Final = {folder: throttle.bandwidth for folder, throttle in parts.throttles.items()}
        self._by_hand: Final[dict[str, bool]] = {}
        self._log: Override | None = None
        self._next_end: datetime | None = None

    async def run(self) -> None:
        """Heed orders; ends when cancelled."""
        seen: int | None = None
        while True:
            now = await self._parts.ledger.foreign_writes()
            if now != seen or self._is_over:
                seen = now
                await self.look()
            await asyncio.sleep(self._look_every)

    async def look(self) -> None:
        """Let what stands in the ledger hold from now on."""
        standing = await self._parts.ledger.overrides()
        self._next_end = min((one.until for one in standing if one.until is not None), default=None)
        self._limit(standing)
        if self._parts.brake.stays:
            self._pause(paused=any(one.name == PAUSED for one in standing))
            self._have_logged(standing)

    @property
    def _is_over(self) -> bool:
        """Whether something that holds stands no more, though nobody wrote."""
        return self._next_end is not None and self._parts.now() >= self._next_end

    def _limit(self, standing: Iterable[Override]) -> None:
        limits = {one.folder: one.value for one in standing if one.name == BANDWIDTH}
        for folder, throttle in self._parts.throttles.items():
            limit = _read(limits.get(folder)) if folder in limits else None
            by_hand = limit is not None
            wanted = limit if limit is not None else self._configured[folder]
            was_by_hand = self._by_hand.get(folder, False)
            self._by_hand[folder] = by_hand
            if wanted != throttle.bandwidth or by_hand is not was_by_hand:
                told = events.BandwidthSet(folder=folder, limit=str(wanted) or NO_LIMIT, by_hand=by_hand)
                self._parts.emit(told)
                throttle.set(wanted)

    def _have_logged(self, standing: Sequence[Override]) -> None:
        levels = [one for one in standing if one.name == LOG_LEVEL and one.value in set(LogLevel)]
        wanted = levels[0] if levels else None
        if wanted == self._log:
            return
        self._log = wanted
        end = wanted.until if wanted is not None else None
        until = end.isoformat(timespec="seconds") if end is not None else ""
        least = wanted.value if wanted is not None else self._parts.log_level
        self._parts.emit(events.LogLevelSet(least=least, by_hand=wanted is not None, until=until))

    def _pause(self, *, paused: bool) -> None:
        brake = self._parts.brake
        if paused and brake.pause():
            self._parts.emit(events.ServicePaused())
        elif not paused and brake.go_on():
            self._parts.emit(events.ServiceResumed())


def _read(text: str | None) -> Bandwidth | None:
    """A limit as it was written down; None for what this version cannot read."""
    try:
        return Bandwidth.parse(text)
    except ValueError:
        return None
