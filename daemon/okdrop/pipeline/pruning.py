"""Forgets the histories of uploads that came to their end long ago, a little at a time.

What an upload came to stays for ever, and so does that it was published: by that a file is known, and a video
that may be public is never deleted. Only the steps on the way there go.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from okdrop import events

if TYPE_CHECKING:
    from okdrop.pipeline.parts import Parts

EVERY: Final = 86_400.0
"""Seconds between two rounds."""

AT_ONCE: Final = 1000
"""Steps that are looked at in one transaction: some milliseconds, for which the ledger's thread is busy."""

SHARE: Final = 9.0
"""How many times as long as a transaction took the next one is put off: others have the ledger meanwhile."""

SECONDS_AT_THE_END: Final = 2.0
"""How long a run that ends does this for, at most; the rest is left to the next one."""


class Pruner:
    """Goes round, as long as a daemon stays.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await prune(self._parts, share=SHARE)
            await asyncio.sleep(EVERY)


async def prune_at_the_end(parts: Parts) -> None:
    """As much of that as a run that ends has the time for."""
    await prune(parts, seconds=SECONDS_AT_THE_END)


async def prune(parts: Parts, *, share: float = 0.0, seconds: float | None = None) -> int:
    """Forget what is old enough; returns how many steps that were.

    Args:
        parts: what all stages share; how long is long enough, too.
        share: how many times as long as a transaction took the next one is put off.
        seconds: how long to go on, at most.
    """
    if not parts.keep_history:
        return 0
    before = parts.now() - timedelta(seconds=parts.keep_history)
    began, gone, after = parts.monotonic(), 0, 0
    while seconds is None or parts.monotonic() - began < seconds:
        started = parts.monotonic()
        pruned = await parts.ledger.prune(before=before, after=after, at_most=AT_ONCE)
        gone += pruned.gone
        if pruned.next is None:
            break
        after = pruned.next
        await asyncio.sleep(share * (parts.monotonic() - started))
    while seconds is None or parts.monotonic() - began < seconds:
        started = parts.monotonic()
        if not await parts.ledger.forget_steps(before=before, at_most=AT_ONCE):
            break
        await asyncio.sleep(share * (parts.monotonic() - started))
    if gone:
        parts.emit(events.HistoryPruned(steps=gone, before=before.isoformat(timespec="seconds")))
    return gone
