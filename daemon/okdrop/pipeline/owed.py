"""Whom the teller takes up next: by the ledger's order, and past whoever may not go on just now.

An account that is halted, or in trouble, holds its own alone: the ledger is asked past all that it owes, so
that nothing is written, or read, for those that wait, and none of them is in anybody's way.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from okdrop.pipeline.accounts import call_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from okdrop.drop import Upload
    from okdrop.pipeline.parts import Parts

AT_ONCE: Final = 4
"""Uploads of which OK is told at once."""


class Owed:
    """Takes up what is due.

    Args:
        parts: what all stages share.
        tell: tells all that is due of one upload; returns whether anything was told.
    """

    def __init__(self, parts: Parts, tell: Callable[[int], Awaitable[bool]]) -> None:
        self._parts: Final = parts
        self._tell: Final = tell
        self._held: Final[dict[int, str]] = {}  # → the account that it waits for

    def holds(self, row: Upload) -> bool:
        """Whether OK is not to be asked of an upload now; else it has leave to."""
        halted = self._parts.brake.is_halted_for(row.account)
        is_held = halted or bool(self._parts.breakers.holds(row.id, *call_of(self._parts, row.account)))
        if is_held:
            self._held[row.id] = row.account
        return is_held

    async def round(self) -> bool:
        """Tell of a few that are due; returns whether anything came of it."""
        past = self._parts.brake.halted_accounts
        while True:
            due = await self._parts.ledger.to_be_told(self._parts.now(), at_most=AT_ONCE, past=past)
            is_told = await self._tell_of(due)
            held = self._are_ill({*self._take_held().values()}) - past
            if is_told or not held:
                return is_told
            past |= held

    async def to_the_end(self) -> None:
        """Tell of all that are due now, each once; what may not go on is left to the next run."""
        by, past = self._parts.now(), self._parts.brake.halted_accounts
        asked: set[int] = set()
        stuck = 0  # asked already, and due all the same: somebody else wrote the row meanwhile
        while not self._parts.brake.is_pulled:
            due = await self._parts.ledger.to_be_told(by, at_most=AT_ONCE + stuck, past=past)
            new = [number for number in due if number not in asked]
            if not new and len(due) < AT_ONCE + stuck:
                return
            stuck = len(due) - len(new)
            await self._tell_of(new)
            held = self._take_held()
            ill = self._are_ill({*held.values()})
            asked.update(number for number in new if held.get(number) is None or held[number] in ill)
            past |= ill

    async def _tell_of(self, due: list[int]) -> bool:
        return any(await asyncio.gather(*map(self._tell, due)))

    def _take_held(self) -> dict[int, str]:
        held = dict(self._held)
        self._held.clear()
        return held

    def _are_ill(self, accounts: set[str]) -> frozenset[str]:
        """Those of which none may go on; where one tried for all meanwhile, and succeeded, all may."""
        parts = self._parts
        return frozenset(
            account
            for account in accounts
            if parts.brake.is_halted_for(account) or parts.breakers.ill(*call_of(parts, account))
        )
