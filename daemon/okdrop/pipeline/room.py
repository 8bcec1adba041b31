"""Looks how much room is left where the ledger and the watched folders lie, and tells when it gets little.

A full disk is trouble of everybody's: the ledger cannot be written, a recorder cannot record. It is told once
for each disk, and again only after there was room: a quarter more than what is too little.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from functools import partial
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.inbox.own_thread import begun

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOK_EVERY: Final = 60.0
"""Seconds between two looks."""

HANGS_AFTER: Final = 10.0
"""Seconds after which a look is not waited for: the folder's own task tells that it hangs."""

AMPLE: Final = 1.25
"""How many times what is too little there has to be for it to be enough again."""

_HINT: Final = "make room there; disk.low sets the limit"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How many bytes may still be written to a disk, by us; `device` is what names it (st_dev)."""

    device: int
    free: int


class Room:
    """Looks again and again, as long as a daemon stays.

    Args:
        emit: told what changes.
        places: paths, the ledger's first.
        least: bytes; less is too little. 0: nobody looks.
        look_every: seconds.
    """

    def __init__(
        self, emit: events.Emit, places: Sequence[bytes], *, least: int, look_every: float = LOOK_EVERY
    ) -> None:
        self._emit: Final = emit
        self._places: Final = tuple(places)
        self._least: Final = least
        self._look_every: Final = look_every
        self._low: Final[dict[int, bytes]] = {}  # device → the place that it was told of
        self._looking: Final[dict[bytes, asyncio.Future[Left | None]]] = {}

    async def run(self) -> None:
        """Go on until cancelled."""
        while self._least:
            await self.look()
            await asyncio.sleep(self._look_every)

    async def look(self) -> None:
        """Look at each place once; one whose last look hangs is left."""
        seen: set[int] = set()
        for place in self._places:
            left = await self._left(place)
            if left is not None and left.device not in seen:
                seen.add(left.device)
                self._judge(place, left)

    async def _left(self, place: bytes) -> Left | None:
        looking = self._looking.get(place)
        if looking is None:
            looking = self._looking[place] = begun(partial(left_at, place), name="room")
        done, _ = await asyncio.wait({looking}, timeout=HANGS_AFTER)
        if not done:
            return None
        del self._looking[place]
        return looking.result()

    def _judge(self, place: bytes, left: Left) -> None:
        told = self._low.get(left.device)
        if told is None and left.free < self._least:
            self._low[left.device] = place
            self._emit(
                events.DiskLow(path=events.shown(place), free=left.free, least=self._least, hint=_HINT)
            )
        elif told is not None and left.free >= AMPLE * self._least:
            del self._low[left.device]
            self._emit(events.DiskAmple(path=events.shown(told), free=left.free))


def left_at(place: bytes) -> Left | None:
    """How much room is left where a path lies. Blocking; None where that cannot be said."""
    try:
        device, space = os.stat(place).st_dev, os.statvfs(place)  # noqa: PTH116 - paths are bytes
    except OSError:
        return None
    return Left(device=device, free=space.f_bavail * space.f_frsize)
