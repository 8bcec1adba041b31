"""A ledger that cannot be written is waited for; every other error is told."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest

from ledger.making import drop
from okdrop import events
from okdrop.errors import LedgerError
from okdrop.ledger import Ledger, Patience

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def told() -> list[events.Event]:
    return []


def patience(told: list[events.Event]) -> Patience:
    return Patience(emit=told.append, monotonic=lambda: 5.0, pause=0.01)


async def until_told(told: list[events.Event], name: str) -> None:
    async with asyncio.timeout(20):
        while name not in [event.name for event in told]:  # noqa: ASYNC110 - told from within another task
            await asyncio.sleep(0.005)


async def test_a_lock_of_somebody_else_is_waited_out(
    tmp_path: Path, told: list[events.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okdrop.ledger.sqlite.BUSY_TIMEOUT", 0.02)
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    async with await Ledger.open(url, patience=patience(told)) as ledger:
        other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        adding = [asyncio.create_task(ledger.add(drop(b"/srv/%d.mp4" % number))) for number in range(5)]
        await until_told(told, "ledger.stuck")
        assert await ledger.outstanding() == []  # reading goes on
        other.execute("ROLLBACK")
        other.close()
        rows = await asyncio.gather(*adding)
    assert {row.id for row in rows} == {1, 2, 3, 4, 5}
    assert [event.name for event in told] == ["ledger.stuck", "ledger.writable"]
    (stuck, _) = told
    assert isinstance(stuck, events.LedgerStuck)
    assert stuck.code == "ledger_busy"


async def test_other_errors_are_told_at_once(told: list[events.Event]) -> None:
    async with await Ledger.open("sqlite://", patience=patience(told)) as ledger:
        await ledger.add(drop(b"/srv/a.mp4"))
        with pytest.raises(LedgerError) as error:
            await ledger.add(drop(b"/srv/a.mp4"))
    assert error.value.code == "ledger_known"
    assert told == []


async def test_without_patience_trouble_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okdrop.ledger.sqlite.BUSY_TIMEOUT", 0.02)
    async with await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError) as error:
            await ledger.add(drop(b"/srv/a.mp4"))
        other.close()
    assert error.value.code == "ledger_busy"


async def test_who_is_cancelled_waits_no_longer(
    tmp_path: Path, told: list[events.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okdrop.ledger.sqlite.BUSY_TIMEOUT", 0.02)
    async with await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", patience=patience(told)) as ledger:
        other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        adding = asyncio.create_task(ledger.add(drop(b"/srv/a.mp4")))
        await until_told(told, "ledger.stuck")
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        other.close()
