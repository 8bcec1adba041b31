"""How much room there is where files lie. A mount whose server is gone keeps nobody waiting."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from functools import partial
from typing import TYPE_CHECKING, Final

from okdrop.inbox.own_thread import begun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

GOOD_FOR: Final = 20.0
"""Seconds for which a look is believed."""

WITHIN: Final = 0.5
"""Seconds that whoever asks waits for a new look; the last one has to do after that."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Of a file system; both in bytes."""

    free: int  #: what we may use of it
    total: int


class Space:
    """Looks at the file systems of some folders, each in a thread of its own, one at a time.

    Args:
        folders: their paths.
        monotonic: seconds.
    """

    def __init__(self, folders: Iterable[str], monotonic: Callable[[], float]) -> None:
        self._folders: Final = tuple(folders)
        self._monotonic: Final = monotonic
        self._known: Final[dict[str, Room]] = {}
        self._looked: Final[dict[str, float]] = {}
        self._looking: Final[dict[str, asyncio.Future[Room]]] = {}

    async def __call__(self) -> Mapping[str, Room]:
        """The room in each folder, as far as it is known."""
        now = self._monotonic()
        for folder in self._folders:
            if folder not in self._looking and now - self._looked.get(folder, -GOOD_FOR) >= GOOD_FOR:
                self._begin(folder, now)
        if self._looking:
            await asyncio.wait([*self._looking.values()], timeout=WITHIN)
            await asyncio.sleep(0)  # what has ended is noted
        return self._known

    def _begin(self, folder: str, now: float) -> None:
        self._looked[folder] = now
        looking = self._looking[folder] = begun(partial(_room, folder), name="web-space")
        looking.add_done_callback(partial(self._done, folder))

    def _done(self, folder: str, looking: asyncio.Future[Room]) -> None:
        self._looking.pop(folder, None)
        self._known.pop(folder, None)
        if not looking.cancelled() and looking.exception() is None:
            self._known[folder] = looking.result()


def _room(folder: str) -> Room:
    found = os.statvfs(folder)
    return Room(free=found.f_bavail * found.f_frsize, total=found.f_blocks * found.f_frsize)
