"""Deletes what abandoned tickets left on OK's side: video ids that will never get their bytes.

Best effort: an orphan costs nobody anything, so trouble here is noted and never stops an upload. Each is
tried a few times, with growing pauses between: one that was never tried is in every round, one that was
tried once in every second, one that was tried twice in every fourth, and so on. The first round of a process
takes them all. A run that ends has no time to lose with them, and takes a few.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import TRIES_PER_ORPHAN as TRIES
from okdrop.errors import UploadError
from okdrop.pipeline.accounts import call_of, client_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from okdrop.pipeline.parts import Parts

MOST_AT_THE_END: Final = 20
SECONDS_AT_THE_END: Final = 5.0
"""How much a run that ends does for orphans, once all else is done."""

NOBODY: Final = 0
"""Who it is that calls: no upload."""

ROUND_EVERY: Final = 3600.0
"""Seconds between two rounds."""


class Janitor:
    """Sweeps in rounds, as long as a daemon stays.

    Args:
        parts: what all stages share.
        round_every: seconds between two rounds.
    """

    def __init__(self, parts: Parts, *, round_every: float = ROUND_EVERY) -> None:
        self._parts: Final = parts
        self._round_every: Final = round_every

    async def run(self) -> None:
        """Go on until cancelled."""
        number = 0
        while True:
            if not self._parts.brake.holds:
                await sweep(self._parts, tries_below=allowance(number))
                number += 1
            await asyncio.sleep(self._round_every)


def allowance(number: int) -> int:
    """Below how many tries an orphan is in round `number`, counted from 0."""
    return TRIES if number == 0 else min(TRIES, (number & -number).bit_length())


async def sweep_at_the_end(parts: Parts) -> None:
    """As much of that as a run that ends has the time for; the rest is left to the next one."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS_AT_THE_END):
            await sweep(parts, at_most=MOST_AT_THE_END)


async def sweep(parts: Parts, *, tries_below: int = TRIES, at_most: int | None = None) -> None:
    """Try once to delete each orphan that was tried less often than that, `at_most` so many of each account.

    Those of an account that is halted, or that the configuration does not have any more, stay for later.
    """
    for account in ("", *parts.clients):
        if not parts.brake.is_halted_for(account):
            orphans = await parts.ledger.orphans(tries_below=tries_below, account=account)
            await _delete(parts, account, orphans[:at_most])


async def _delete(parts: Parts, account: str, orphans: Sequence[str]) -> None:
    """Try once to delete these videos of an account."""
    call = call_of(parts, account)
    for video_id in orphans:
        if parts.breakers.ill(*call):
            return  # others have more need to find out whether OK is well again
        try:
            with parts.breakers.calling(NOBODY, call):
                await client_of(parts, account).delete(video_id)
        except asyncio.CancelledError:
            await _failed(parts, video_id, "no answer")  # or the same one would hold up every run to come
            raise
        except UploadError as error:
            if error.code == "api_unreachable":
                return  # nobody was asked: that is no try, and the next would go the same way
            await _failed(parts, video_id, error.message)
        else:
            await parts.ledger.orphan_deleted(video_id)
            parts.emit(events.OrphanDeleted(video_id=video_id))


async def _failed(parts: Parts, video_id: str, reason: str) -> None:
    """Count it; the last one is told, since from there on only a person can delete it."""
    tries = await parts.ledger.orphan_failed(video_id)
    if tries >= TRIES:
        parts.emit(events.OrphanGivenUp(video_id=video_id, tries=tries, reason=reason))
