"""Finds moved files that have lain there for as long as their folder says, and has them deleted.

What is found gets a chore, so that the rest goes the way of every deletion: OK is asked once more, and only
the revision that was published is touched. By then OK's clock has to agree that a file is old enough: one of
ours that is years ahead, after a flat battery say, would have everything deleted. Files are found over an
index of those that may be, the oldest first and some at a time.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop.drop import Chore
from okdrop.ledger import StaleVersion
from okdrop.pipeline.accounts import clients, clock_skew

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Upload
    from okdrop.pipeline.parts import Parts

AT_ONCE: Final = 200
"""Files that are taken up in one round."""

EVERY: Final = 3600.0
SOON: Final = 60.0
"""Seconds between two rounds, and where the last one did not find the end."""


class Moved:
    """Goes round, as long as a daemon stays.

    Args:
        parts: what all stages share.
        take_up: a row has a chore.
    """

    def __init__(self, parts: Parts, take_up: Callable[[Upload], None]) -> None:
        self._parts: Final = parts
        self._take_up: Final = take_up

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            found = await self.look()
            await asyncio.sleep(SOON if found >= AT_ONCE else EVERY)

    async def look(self) -> int:
        """Take up what is due in each folder; returns how many files in the fullest that were."""
        most = 0
        for folder, wanted in self._parts.afterwards.items():
            if wanted.prune_after:
                most = max(most, await self._look_at(folder, wanted.prune_after))
        return most

    async def _look_at(self, folder: str, kept: float) -> int:
        skew = clock_skew(self._parts)
        if skew is None and any(client.has_accepted for client in clients(self._parts).values()):
            return 0  # OK does not say what time it is, and our clock alone is not believed
        ahead = max(0.0, skew or 0.0)
        before = self._parts.now() - timedelta(seconds=kept + ahead)
        numbers = await self._parts.ledger.prunable(folder, before=before, at_most=AT_ONCE)
        for row in await self._parts.ledger.uploads(ids=numbers):
            try:
                pruned = row.with_(chore=Chore.PRUNE, troubles=0, retry_at=None)
                self._take_up(await self._parts.ledger.write(pruned))
            except StaleVersion:
                continue  # somebody else wrote it: it is found again
        return len(numbers)
