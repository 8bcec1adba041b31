"""What the ledger is told of those who wait for a place to be well, and what is recalled of it.

For the eye: `okdrop status` shows why an upload waits and until when. The first few of each place are
written, again whenever the pause grows; a hundred thousand that wait behind them cost no write. And for the
next run: whoever was told to keep away from the account keeps away through a restart.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop.drop import UNFINISHED
from okdrop.ledger import StaleVersion
from okdrop.pipeline.sessions import places_of
from okdrop.protocol.verdicts import RATE_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from okdrop.drop import Upload
    from okdrop.pipeline.breakers import Waiting
    from okdrop.pipeline.line import OpenUploads
    from okdrop.pipeline.parts import Parts

MOST: Final = 50
"""Uploads of one place whose rows tell that they wait."""


class Waits:
    """Writes down who waits for what.

    Args:
        parts: what all stages share.
        opened: which uploads are in somebody's hands.
    """

    def __init__(self, parts: Parts, opened: OpenUploads) -> None:
        self._parts: Final = parts
        self._opened: Final = opened
        self._noted: dict[int, float] = {}

    async def run(self) -> None:
        """Go on until cancelled."""
        changed = self._parts.breakers.changed
        while True:
            await changed.wait()
            changed.clear()
            await self.note()

    async def note(self) -> None:
        """Write what is not written yet."""
        waiting = self._parts.breakers.waiting(MOST)
        self._noted = {who: until for who, until in self._noted.items() if any(w.who == who for w in waiting)}
        for each in waiting:
            if self._noted.get(each.who) != each.until and not self._opened.is_in_hand(each.who):
                await self._write(each)
                self._noted[each.who] = each.until

    async def _write(self, waiting: Waiting) -> None:
        row = await self._parts.ledger.get(waiting.who)
        if row is None or row.state not in UNFINISHED:
            return
        at = self._parts.now() + timedelta(seconds=waiting.until - self._parts.monotonic())
        # Whoever took it up meanwhile knows better; and whoever did so on the row as it was reads it anew.
        with contextlib.suppress(StaleVersion):
            await self._parts.ledger.write(row.with_(retry_at=at, last_trouble=waiting.code))


def recall_limits(parts: Parts, rows: Iterable[Upload]) -> None:
    """An earlier run was told of a limit: keep away until then, whoever it was that was told."""
    for row in rows:
        seconds = parts.seconds_until_due(row)
        if seconds and row.last_trouble in RATE_LIMITS:
            parts.breakers.recall(places_of(parts, row)[0], seconds, row.last_trouble)
