"""The ledger tells of those who wait, and what a limit was is recalled from it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from okdrop.drop import State
from okdrop.errors import Trouble
from okdrop.pipeline.breakers import ACCOUNT, CALL
from okdrop.pipeline.waits import MOST, Waits, recall_limits

if TYPE_CHECKING:
    from pipeline.bench import Bench

LIMIT = Trouble("too many", code="api_8", retry_after=60.0)


async def test_who_waits_is_told_why_and_until_when_again_with_each_pause(bench: Bench) -> None:
    row, other = await bench.taken(), await bench.taken("b.mp4")
    waits, breakers = Waits(bench.parts, bench.opened), bench.parts.breakers
    breakers.failed(other.id, ACCOUNT, LIMIT)
    breakers.wait(row.id, ACCOUNT, bench.line)
    await waits.note()
    noted = await bench.row(row.id)
    assert (noted.state, noted.last_trouble, noted.troubles) == (State.QUEUED, "api_8", 0)
    assert noted.retry_at is not None
    assert timedelta(seconds=50) < noted.retry_at - bench.clock.now() <= timedelta(seconds=60)
    await waits.note()
    assert await bench.row(row.id) == noted
    bench.clock.ahead = 61.0
    assert breakers.holds(other.id, *CALL) == ""
    breakers.failed(other.id, ACCOUNT, LIMIT)
    await waits.note()
    again = (await bench.row(row.id)).retry_at
    assert again is not None
    assert again > noted.retry_at + timedelta(seconds=50)


async def test_what_is_in_hand_is_left_alone(bench: Bench) -> None:
    row = await bench.taken()
    bench.parts.breakers.failed(9, ACCOUNT, LIMIT)
    bench.parts.breakers.wait(row.id, ACCOUNT, bench.line)
    with bench.opened.taken(row.id):
        await Waits(bench.parts, bench.opened).note()
    assert await bench.row(row.id) == row


async def test_a_row_that_came_to_its_end_is_left_alone(bench: Bench) -> None:
    row = await bench.taken()
    bench.parts.breakers.failed(9, ACCOUNT, LIMIT)
    bench.parts.breakers.wait(row.id, ACCOUNT, bench.line)
    bench.parts.breakers.wait(12345, ACCOUNT, bench.line)
    await bench.orders(row.id, State.CANCELLED)
    await Waits(bench.parts, bench.opened).note()
    assert (await bench.row(row.id)).retry_at is None


async def test_only_a_few_of_many_cost_a_write(bench: Bench) -> None:
    rows = [await bench.taken(f"{number}.mp4", 16 * 1024) for number in range(MOST + 5)]
    bench.parts.breakers.failed(9, ACCOUNT, LIMIT)
    for row in rows:
        bench.parts.breakers.wait(row.id, ACCOUNT, bench.line)
    await Waits(bench.parts, bench.opened).note()
    noted = [(await bench.row(row.id)).retry_at is not None for row in rows]
    assert noted == [True] * MOST + [False] * 5


async def test_a_limit_is_kept_through_a_restart_by_everybody(bench: Bench) -> None:
    row, _ = await bench.parts.put_off(await bench.taken(), LIMIT)
    breakers = bench.parts.breakers
    recall_limits(bench.parts, [row])
    assert breakers.ill(*CALL) == ACCOUNT
    assert breakers.holds(99, *CALL) == ACCOUNT
    assert 50.0 < breakers.seconds_left(ACCOUNT) <= 60.0


async def test_other_trouble_and_a_limit_that_is_over_hold_nobody(bench: Bench) -> None:
    busy, _ = await bench.parts.put_off(
        await bench.taken(), Trouble("busy", code="http_503", retry_after=60.0)
    )
    recall_limits(bench.parts, [busy])
    row, _ = await bench.parts.put_off(await bench.taken("b.mp4"), LIMIT)
    bench.clock.ahead = 61.0
    recall_limits(bench.parts, [row])
    assert bench.parts.breakers.ill(*CALL) == ""
