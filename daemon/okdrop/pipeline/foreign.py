"""What other processes write into the ledger beside the daemon: `okdrop retry`, `cancel` and their like.

The ledger tells whether anybody else wrote since the last look; that costs next to nothing, and is asked
about once a second. If so, what is unfinished there is compared with what is open here: unfinished and not
open is taken up; open and not unfinished is let go.

Every write compares the row's version, so nothing that is decided here on a view that is outdated by now
can do harm: whoever acts on an upload reads its row first, and whoever writes it is told of a newer one.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import State
from okdrop.ledger import lots

if TYPE_CHECKING:
    from okdrop.drop import Upload
    from okdrop.ledger import Outstanding
    from okdrop.pipeline.line import Line, OpenUploads
    from okdrop.pipeline.parts import Parts

LOOK_EVERY: Final = 1.0
"""Seconds between looks."""

LOOKS: Final = 2
"""Looks for one change: a worker may be just about to end an upload that was handed back meanwhile."""


class ForeignWrites:
    """Takes up and lets go what others ordered.

    Args:
        parts: what all stages share.
        line: ids that wait for their bytes to be sent.
        finals: ids that wait for video.update.
        opened: uploads of this run that have no end yet.
        look_every: seconds between looks.
    """

    def __init__(
        self,
        parts: Parts,
        line: Line,
        finals: Line,
        opened: OpenUploads,
        *,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._parts: Final = parts
        self._line: Final = line
        self._finals: Final = finals
        self._opened: Final = opened
        self._look_every: Final = look_every
        self._asked: Final = asyncio.Event()

    def heed(self) -> None:
        """An order was written by this very process: look at once."""
        self._asked.set()

    async def run(self) -> None:
        """Look for orders; ends when cancelled."""
        seen, looks = await self._parts.ledger.foreign_writes(), LOOKS  # some may have come before we asked
        while True:
            if looks:
                await self.look()
                looks -= 1
            await self._wait()
            now = await self._parts.ledger.foreign_writes()
            if now != seen or self._asked.is_set():
                self._asked.clear()
                seen, looks = now, LOOKS

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._look_every):
                await self._asked.wait()

    async def look(self) -> None:
        """Compare what is unfinished with what is open."""
        ledger = self._parts.ledger
        unfinished = {one.id: one for one in await ledger.outstanding() if not one.held}
        begun = [number for number in unfinished if self._opened.begin(number)]
        gone = [number for number in self._opened if number not in unfinished]
        for one in unfinished.values():  # a worker that has it in hand will see for itself
            self._line_of(one).retime(one.id, self._parts.seconds_until_due(one))
        for numbers in lots(begun):
            for row in await ledger.uploads(ids=numbers):
                self._take_up(row)
        for numbers in lots(gone):
            for row in await ledger.uploads(ids=numbers):
                if row.state is not State.PUBLISHED:  # that is our own doing
                    self._let_go(row)

    def _take_up(self, row: Upload) -> None:
        self._parts.emit(
            events.UploadTakenUp(upload=row.id, path=events.shown(row.drop.path), state=row.state.value)
        )
        self._line.note(row)
        self._line_of(row).put(row.id, self._parts.seconds_until_due(row))

    def _let_go(self, row: Upload) -> None:
        if self._opened.is_in_hand(row.id):
            self._opened.let_go(row.id)
        elif row.id in self._opened:
            self._parts.breakers.forget(row.id)
            self._line.remove(row.id)
            self._finals.remove(row.id)
            self._parts.taken_away(row)
            self._opened.end(row.id)

    def _line_of(self, row: Upload | Outstanding) -> Line:
        return self._finals if row.state is State.FINALIZING else self._line
