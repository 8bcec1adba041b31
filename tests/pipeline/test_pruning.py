from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

from okdrop import events
from okdrop.config import Config
from okdrop.drop import State
from okdrop.pipeline import pruning
from okdrop.pipeline.pruning import Pruner, prune, prune_at_the_end
from pipeline.bench import Bench, until

if TYPE_CHECKING:
    import pytest

DAY = 86_400.0


async def test_it_goes_round_at_the_start_and_every_day(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "EVERY", 0.01)
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    row = await bench.done()
    await bench.ledger.write(row.with_(chore=None))
    steps = len(await bench.ledger.history(row.id))
    parts = dataclasses.replace(bench.parts, keep_history=DAY)
    going = asyncio.create_task(Pruner(parts).run())
    bench.clock.ahead += DAY + 1
    await until(lambda: bool(bench.told(events.HistoryPruned)))
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    assert sum(told.steps for told in bench.told(events.HistoryPruned)) == steps - 1
    assert [step.to_state for step in await bench.ledger.history(row.id)] == [State.PUBLISHED]


async def test_zero_keeps_everything(bench: Bench) -> None:
    await bench.taken(size=0)
    bench.clock.ahead += 1000 * DAY
    assert await prune(bench.parts) == 0
    assert bench.told(events.HistoryPruned) == []


async def test_a_run_that_ends_does_it_too_for_a_while(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    row = await bench.taken(size=0)
    bench.clock.ahead += 2 * DAY
    parts = dataclasses.replace(bench.parts, keep_history=DAY)
    with monkeypatch.context() as patched:
        patched.setattr(pruning, "SECONDS_AT_THE_END", 0.0)
        await prune_at_the_end(parts)
    assert await bench.ledger.history(row.id)
    await prune_at_the_end(parts)
    assert await bench.ledger.history(row.id) == []


def test_a_history_is_kept_for_ninety_days_unless_otherwise_wanted() -> None:
    assert Config().ledger.keep_history == 90 * DAY
    assert Config.model_validate({"ledger": {"keep_history": "1d"}}).ledger.keep_history == DAY
    assert Config.model_validate({"ledger": {"keep_history": "0"}}).ledger.keep_history == 0
