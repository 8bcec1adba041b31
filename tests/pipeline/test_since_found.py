"""How long ago a file was found is counted through restarts, and by no clock that is set."""

from __future__ import annotations

import dataclasses
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from okdrop.metadata import Settings
from okdrop.pipeline.since_found import SinceFound

if TYPE_CHECKING:
    from okdrop.drop import Upload
    from pipeline.bench import Bench


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    began, since = time.time(), time.monotonic()
    still = SimpleNamespace(time=lambda: began, monotonic=lambda: since)
    monkeypatch.setattr("pipeline.bench.time", still)


@pytest.fixture
async def bench(set_up: Any) -> Bench:
    made: Bench = await set_up(settings=Settings(sidecar_wait=60.0))
    return made


def found_ago(row: Upload, seconds: float) -> Upload:
    return dataclasses.replace(row, created_at=row.created_at - timedelta(seconds=seconds))


async def test_it_is_counted_from_when_it_was_found_through_a_restart(bench: Bench) -> None:
    row = await bench.taken()
    for run in range(3):
        assert SinceFound(bench.parts).seconds(row) == pytest.approx(20.0 * run, abs=0.01)
        bench.clock.ahead += 20.0


@pytest.mark.parametrize("by", [-7200.0, 7200.0])
async def test_a_clock_that_is_set_changes_nothing(bench: Bench, by: float) -> None:
    row, since = await bench.taken(), SinceFound(bench.parts)
    bench.clock.ahead = 5.0
    bench.clock.set_by = by
    assert since.seconds(row) == pytest.approx(5.0, abs=0.01)
    since.begun(row.id)  # another run, but for its clock: it can only believe what it sees
    assert since.seconds(row) == pytest.approx(max(0.0, 5.0 + by), abs=0.01)


async def test_what_was_found_in_the_future_was_found_just_now(bench: Bench) -> None:
    row, since = found_ago(await bench.taken(), -3600.0), SinceFound(bench.parts)
    bench.clock.ahead = 7.0
    assert since.seconds(row) == pytest.approx(7.0, abs=0.01)


async def test_what_is_taken_up_later_is_counted_from_then_on(bench: Bench) -> None:
    since = SinceFound(bench.parts)
    bench.clock.ahead = 1000.0
    row = await bench.taken()
    since.begun(row.id)
    bench.clock.set_by = 3600.0
    bench.clock.ahead += 3.0
    assert since.seconds(row) == pytest.approx(3.0, abs=0.01)


async def test_nothing_is_remembered_where_no_folder_waits_and_nothing_of_what_ended(bench: Bench) -> None:
    since = SinceFound(bench.parts)
    since.begun(1)
    since.forget(1)
    assert since._begun == {}
    waits_for_nothing = SinceFound(dataclasses.replace(bench.parts, folders={"": Settings()}))
    waits_for_nothing.begun(1)
    assert waits_for_nothing._begun == {}
