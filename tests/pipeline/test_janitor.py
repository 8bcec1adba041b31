"""Orphans are deleted, best effort."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.pipeline.janitor import sweep

if TYPE_CHECKING:
    from pipeline.bench import Bench

DELETE = "video.delete"


@pytest.fixture
async def orphan(bench: Bench) -> str:
    """A video id that OK gave and nobody needs."""
    ticket = await bench.parts.client.request_ticket(file_name="a.mp4", size=100_000, group_id="")
    await bench.ledger.add_orphan(ticket.video_id)
    return ticket.video_id


async def test_an_orphan_is_deleted_and_forgotten(bench: Bench, orphan: str) -> None:
    await sweep(bench.parts)
    assert bench.emulator.videos()[0]["deleted"] is True
    assert await bench.ledger.orphans() == []
    assert bench.told(events.OrphanDeleted) == [events.OrphanDeleted(video_id=orphan)]


async def test_one_that_ok_knows_nothing_of_is_forgotten(bench: Bench) -> None:
    await bench.ledger.add_orphan("12345")
    await sweep(bench.parts)
    assert await bench.ledger.orphans() == []


@pytest.mark.parametrize("code", [1, 10, 102, 454])
async def test_trouble_is_counted_and_harmless(bench: Bench, orphan: str, code: int) -> None:
    with bench.faults.active("api_error", code=code, method=DELETE):
        await sweep(bench.parts)
    assert await bench.ledger.orphans() == [orphan]
    assert await bench.ledger.orphans(tries_below=1) == []
    assert bench.told(events.OrphanDeleted) == []
    assert not bench.parts.brake.is_pulled
    await sweep(bench.parts)
    assert await bench.ledger.orphans() == []


async def test_one_in_trouble_does_not_keep_the_others(bench: Bench, orphan: str) -> None:
    await bench.ledger.add_orphan("12345")
    with bench.faults.active("lost_api_answer", method=DELETE, times=1):
        await sweep(bench.parts)
    assert len(await bench.ledger.orphans()) == 1
    assert len(bench.told(events.OrphanDeleted)) == 1
    assert bench.emulator.summary()["calls"][DELETE] == 2
    assert orphan
