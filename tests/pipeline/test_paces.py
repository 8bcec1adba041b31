"""What paid to a host outlives the run that found it."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from okdrop.pipeline.paces import Paces, recall_paces
from okdrop.pipeline.pacing import Pacing
from okdrop.protocol import messages as m
from okdrop.protocol.pace import FIRST_LEVEL
from okdrop.protocol.plan import Plan
from okdrop.protocol.ranges import ByteRange

if TYPE_CHECKING:
    from okdrop.pipeline.parts import Parts
    from pipeline.bench import Bench

HOST = "vu1.example:8080"


def run(bench: Bench) -> Parts:
    """The parts of another run on the same ledger."""
    pacing = Pacing(bench.parts.monotonic, connections=True, segment_size=False)
    return dataclasses.replace(bench.parts, pacing=pacing)


def overload(parts: Parts) -> None:
    parts.pacing.began(1, HOST, ByteRange(0, 1))
    parts.pacing.ended(1, HOST, ByteRange(0, 1), m.ServerTrouble(503))


def connections(parts: Parts) -> int:
    return parts.pacing.plan(Plan(), 2, HOST, is_proven=True).connections


async def test_the_next_run_begins_with_what_was_found(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(bench)
    noted = asyncio.Event()
    remember = bench.ledger.remember_pace

    async def told(host: str, connections: int) -> None:
        await remember(host, connections)
        noted.set()

    monkeypatch.setattr(bench.ledger, "remember_pace", told)
    noting = asyncio.create_task(Paces(first).run())
    overload(first)
    await asyncio.wait_for(noted.wait(), 5)
    noting.cancel()
    second = run(bench)
    await recall_paces(second)
    assert connections(second) == FIRST_LEVEL // 2


@pytest.mark.parametrize("found", [FIRST_LEVEL // 2, FIRST_LEVEL])
async def test_what_contradicts_is_what_is_remembered(bench: Bench, found: int) -> None:
    await bench.ledger.remember_pace(HOST, found)
    second = run(bench)
    await recall_paces(second)
    assert connections(second) == found
    overload(second)
    await Paces(second).note()
    assert {host: count for host, (count, _) in (await bench.ledger.paces()).items()} == {HOST: found // 2}


async def test_what_was_found_a_day_ago_is_forgotten_though_the_run_began_before(bench: Bench) -> None:
    """A daemon stays for months: it is not to begin with what paid when it was started."""
    await bench.ledger.remember_pace(HOST, 12)
    young, old = run(bench), run(bench)
    await recall_paces(young)
    await recall_paces(old)
    assert connections(young) == 12
    bench.clock.ahead += timedelta(days=1).total_seconds()
    assert connections(old) == FIRST_LEVEL
