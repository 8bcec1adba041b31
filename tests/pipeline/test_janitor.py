"""Orphans are deleted, best effort."""

from __future__ import annotations

import asyncio
import dataclasses
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.client import Client
from okdrop.drop import TRIES_PER_ORPHAN as TRIES
from okdrop.errors import Halted
from okdrop.pipeline import Brake
from okdrop.pipeline.janitor import Janitor, allowance, sweep, sweep_at_the_end

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


async def test_at_the_end_of_a_run_one_that_hangs_costs_seconds_and_goes_behind_the_others(
    bench: Bench, orphan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.ledger.add_orphan("12345")
    monkeypatch.setattr("okdrop.pipeline.janitor.SECONDS_AT_THE_END", 0.3)
    with bench.faults.active("stall_answer", method=DELETE):
        await sweep_at_the_end(bench.parts)
    assert bench.emulator.summary()["calls"][DELETE] == 1
    assert await bench.ledger.orphans() == ["12345", orphan]
    assert await bench.ledger.orphans(tries_below=1) == ["12345"]


async def test_at_the_end_of_a_run_a_few_are_tried(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okdrop.pipeline.janitor.MOST_AT_THE_END", 2)
    for number in range(3):
        await bench.ledger.add_orphan(str(number))
    await sweep_at_the_end(bench.parts)
    assert await bench.ledger.orphans() == ["2"]


def test_pauses_between_tries_grow() -> None:
    tries, rounds = 0, []
    for number in range(1, 200):
        if tries < allowance(number):
            tries += 1
            rounds.append(number)
    assert (tries, rounds) == (TRIES, [1, 2, 4, 8, 16, 32])
    assert allowance(0) == TRIES  # a process that starts tries all that are left


async def test_each_is_tried_a_few_times_at_most(bench: Bench, orphan: str) -> None:
    with bench.faults.active("api_error", code=10, method=DELETE):
        for _ in range(TRIES + 3):
            await sweep(bench.parts)
    assert bench.emulator.summary()["calls"][DELETE] == TRIES
    assert await bench.ledger.orphans() == [orphan]
    (told,) = bench.told(events.OrphanGivenUp)
    assert (told.video_id, told.tries) == (orphan, TRIES)
    assert "video.delete" in told.reason


async def test_nobody_to_ask_is_no_try(bench: Bench, orphan: str) -> None:
    settings = dataclasses.replace(bench.parts.client._settings, api_url="http://127.0.0.1:1")
    async with Client(
        settings, bench.parts.client._credentials, now=bench.clock.now, boottime=bench.clock.monotonic
    ) as nobody:
        await sweep(dataclasses.replace(bench.parts, client=nobody))
    assert await bench.ledger.orphans(tries_below=1) == [orphan]


async def test_it_goes_round_but_not_while_the_pool_is_halted(
    bench: Bench, orphan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    brake, rounds = Brake(stays=True), []
    brake.halt(Halted("expired"))

    async def slept(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 3:
            assert bench.emulator.summary()["calls"].get(DELETE, 0) == 0
            brake.release()
        if bench.told(events.OrphanDeleted):
            raise asyncio.CancelledError

    monkeypatch.setattr("okdrop.pipeline.janitor.asyncio", SimpleNamespace(sleep=slept))
    with pytest.raises(asyncio.CancelledError):
        await Janitor(dataclasses.replace(bench.parts, brake=brake), round_every=60.0).run()
    assert rounds == [60.0] * 4
    assert bench.told(events.OrphanDeleted) == [events.OrphanDeleted(video_id=orphan)]
