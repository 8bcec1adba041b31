"""Whoever asks the ledger is timed, also where it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ledger.making import drop
from okdrop.errors import LedgerError

if TYPE_CHECKING:
    from okdrop.ledger import Ledger


async def test_reads_and_writes_are_timed_those_that_fail_too(ledger: Ledger) -> None:
    told: list[tuple[str, float]] = []
    moments = iter(range(100))
    ledger.time(lambda: next(moments), lambda what, seconds: told.append((what, seconds)))
    ledger.time(lambda: 0.0, lambda *_: pytest.fail("it is timed once"))
    await ledger.add(drop())
    await ledger.get(1)
    with pytest.raises(LedgerError):
        await ledger.add(drop())
    assert told == [("write", 1), ("read", 1), ("write", 1)]
