"""Notes in the ledger why accounts of a daemon are halted, so that `status` beside it can say so.

What the log is told (`pool.halted`, `pool.resumed`) is what is noted: while a halted account only tries
whether it may go on (`pipeline.mending`), it counts as halted. It is for the eye, and no upload depends on
it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import Halt

if TYPE_CHECKING:
    from okdrop.pipeline.parts import Parts


class HaltNote:
    """Hears of halts, and writes them down in a task of its own: whoever tells of them waits for no disk.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts
        self._halts: Final[dict[str, Halt | None]] = {}
        self._to_note: Final[set[str]] = set()
        self._news: Final = asyncio.Event()

    def hear(self, event: events.Event) -> None:
        """Take note of a halt, and of its end; one for another reason goes on from where the first began."""
        match event:
            case events.PoolHalted(code=code, message=message, hint=hint, account=account):
                before = self._halts.get(account)
                since = self._parts.now() if before is None else before.since
                halt = Halt(code=code, message=message, hint=hint, since=since, account=account)
                self._halts[account] = halt
            case events.PoolResumed(account=account):
                self._halts[account] = None
            case _:
                return
        self._to_note.add(account)
        self._news.set()

    async def run(self) -> None:
        """Write down what was heard last; ends when cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._to_note:
                account = self._to_note.pop()
                await self._parts.ledger.note_halt(self._halts[account], account=account)
