"""Looks into the ledger beside the daemon's own work."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from okdrop.drop import State
from okdrop.errors import LedgerError
from okdrop.ledger import Ledger, Reader
from okdrop.web.looks import AT_ONCE, Looks

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_look_sees_what_is_there_and_an_error_is_the_ledgers_own(tmp_path: Path) -> None:
    looks = Looks(f"sqlite:///{tmp_path / 'ledger.db'}")
    with pytest.raises(LedgerError):
        await looks(Reader.counts)
    async with await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}"):
        assert (await looks(Reader.counts))[State.QUEUED] == 0


async def test_one_that_hangs_keeps_its_place_and_no_others_do(tmp_path: Path) -> None:
    async with await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}"):
        looks = Looks(f"sqlite:///{tmp_path / 'ledger.db'}")
        free = threading.Event()
        hanging = [asyncio.create_task(looks(lambda _: free.wait(30))) for _ in range(AT_ONCE)]
        for task in hanging:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(task, 0.05)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(looks(Reader.held), 0.05)
        free.set()
        assert await asyncio.wait_for(looks(Reader.held), 10) == 0
