"""A limit on what is sent: never more than it says, never much less."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from okdrop import events
from okdrop.config.bandwidth import Bandwidth
from okdrop.pipeline.throttle import CREDIT, Throttle, Turns, piece, throttled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MIB = 1024 * 1024
MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    """The present, to move."""

    def __init__(self) -> None:
        self.present = MONDAY_NOON

    def now(self) -> datetime:
        return self.present


def throttle(limit: str, told: list[events.Event] | None = None, clock: Clock | None = None) -> Throttle:
    emit = (told if told is not None else []).append
    now = (clock or Clock()).now
    return Throttle(Bandwidth.parse(limit), now=now, monotonic=time.monotonic, emit=emit)


async def blocks_of(*sizes: int) -> AsyncIterator[bytes]:
    for number, size in enumerate(sizes):
        yield bytes([number % 256]) * size


@given(
    st.integers(1024, 100 * MIB),
    st.lists(st.tuples(st.floats(0, 2, allow_nan=False), st.floats(0.01, 1)), min_size=2, max_size=200),
)
def test_in_no_stretch_of_time_does_more_pass_than_the_rate_and_the_credit(
    rate: int, asked: list[tuple[float, float]]
) -> None:
    turns, now, passed = Turns(), 100.0, list[tuple[float, int]]()
    for pause, share in asked:
        now += pause
        count = max(1, int(piece(rate) * share))
        passed.append((now + turns.wait(count, rate, now), count))
    for first in range(len(passed)):
        total = 0
        for at, count in passed[first:]:
            total += count
            stretch = at - passed[first][0]
            assert total <= rate * (stretch + CREDIT) + 2 * piece(rate)


@given(st.integers(1024, 100 * MIB), st.floats(0, CREDIT / 2))
def test_who_is_a_little_late_each_time_loses_nothing(rate: int, late: float) -> None:
    turns, now, count = Turns(), 100.0, piece(rate)
    for _ in range(200):
        now += turns.wait(count, rate, now) + late / 10
    assert (now - 100.0) <= 200 * count / rate + CREDIT + late


async def test_what_passes_is_what_came() -> None:
    limits = [throttle("40MiB/s"), throttle("30MiB/s")]
    came = b"".join([block async for block in blocks_of(300_000, 1, 700_000)])
    began = time.monotonic()
    pieces = [block async for block in throttled(blocks_of(300_000, 1, 700_000), limits)]
    assert b"".join(pieces) == came
    assert max(map(len, pieces)) <= piece(30 * MIB)
    assert time.monotonic() - began >= len(came) / (40 * MIB) - 2 * CREDIT


async def test_without_a_limit_blocks_pass_as_they_are() -> None:
    assert [len(block) async for block in throttled(blocks_of(300_000, 1), [throttle("")])] == [300_000, 1]
    assert [len(block) async for block in throttled(blocks_of(300_000, 1), [])] == [300_000, 1]


async def test_several_connections_keep_to_it_together() -> None:
    limit = throttle("8MiB/s")
    began = time.monotonic()

    async def send() -> int:
        return sum([len(block) async for block in throttled(blocks_of(MIB), [limit])])

    assert await asyncio.gather(*(send() for _ in range(4))) == [MIB] * 4
    assert time.monotonic() - began >= 4 / 8 - 2 * CREDIT - 2 / 20


async def test_another_limit_holds_at_once_for_whoever_waits() -> None:
    told: list[events.Event] = []
    limit = throttle("1KiB/s", told)

    async def send() -> None:
        async for _ in throttled(blocks_of(64 * 1024), [limit]):
            pass

    sending = [asyncio.create_task(send()) for _ in range(4)]
    await asyncio.sleep(0)
    limit.set(Bandwidth.parse("off"))
    async with asyncio.timeout(20):  # by the old limit it would take minutes
        await asyncio.gather(*sending)
    assert told == [events.BandwidthChanged(folder="", rate=0)]


async def test_a_timetable_is_followed_by_the_local_clock() -> None:
    told: list[events.Event] = []
    clock = Clock()
    limit = throttle("00:00,off Wed,5MiB/s", told, clock)
    assert limit.look() is None
    clock.present = MONDAY_NOON.replace(day=25)
    assert limit.look() == 5 * MIB
    assert limit.look() == 5 * MIB
    assert told == [events.BandwidthChanged(folder="", rate=5 * MIB)]
