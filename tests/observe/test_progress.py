"""What hangs is told from what waits."""

from __future__ import annotations

import asyncio

import pytest

from okdrop import events
from okdrop.observe.progress import EVERY, LIMIT, Progress

STORED = events.SegmentStored(upload=1, start=0, stop=1, received=1, size=2)


class World:
    """A daemon whose work, reading and clock a test sets."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.has_work = True
        self.read = 0
        self.progress = Progress(
            lambda: self.seconds, could_go_on=lambda: self.has_work, read=lambda: self.read
        )
        assert self.progress.still_for == 0.0

    def after(self, seconds: float) -> bool:
        self.seconds += seconds
        return self.progress.is_stuck


def test_work_that_moves_for_too_long_in_no_way_hangs() -> None:
    world = World()
    assert not world.after(LIMIT)
    assert world.after(1)
    assert world.progress.still_for == LIMIT + 1


@pytest.mark.parametrize(
    "event",
    [
        STORED,
        events.UploadProgress(upload=1, received=0, on_line=1, sent=1, size=2),
        events.UploadPublished(upload=1, video_id="7", path="/a", size=1),
        events.UploadFailed(upload=1, path="/a", code="x", message="", hint=""),
        events.UploadNotYetPublished(upload=1, path="/a", reason="publish_window", until=""),
    ],
    ids=lambda event: event.name,
)
def test_whatever_comes_further_is_movement(event: events.Event) -> None:
    world = World()
    assert world.after(LIMIT + 1)
    world.progress.hear(event)
    assert not world.after(LIMIT)
    assert world.after(1)


def test_that_it_is_begun_again_and_again_is_none() -> None:
    world = World()
    for number in range(4):
        world.progress.hear(events.UploadStarted(upload=1, path="/a", size=1, attempt=number))
        world.seconds += LIMIT / 3
    assert world.after(0)


def test_trouble_says_for_how_long_it_is_waited() -> None:
    world = World()
    world.progress.hear(events.UploadTrouble(upload=1, code="http_503", reason="", delay=5000, attempt=1))
    world.progress.hear(STORED)  # another upload does not make the wait any shorter
    assert not world.after(5000 + LIMIT)
    assert world.after(1)


def test_reading_a_large_file_for_hours_is_movement() -> None:
    world = World()
    for _ in range(10):
        world.read += 1
        assert not world.after(LIMIT)
    assert not world.after(LIMIT)
    assert world.after(1)


def test_where_nothing_has_to_go_on_nothing_hangs() -> None:
    world = World()
    world.has_work = False
    assert not world.after(100 * LIMIT)
    world.has_work = True
    assert not world.after(LIMIT - 1)  # the work may have come at any time since it was asked last
    assert not world.after(LIMIT)
    assert world.after(1)


async def test_work_that_has_only_begun_does_not_hang_though_nobody_asked_for_long() -> None:
    world = World()
    world.progress.hear(STORED)  # the end of what was there when it was asked
    passed = list[float]()

    async def sleep(seconds: float) -> None:
        world.seconds += seconds
        passed.append(seconds)
        world.has_work = len(passed) > 30
        if len(passed) > 31:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await world.progress.watch(sleep)
    assert world.seconds > 1000.0 + LIMIT
    assert world.progress.still_for <= EVERY


async def test_work_that_hangs_is_seen_by_the_first_who_asks() -> None:
    world = World()

    async def sleep(seconds: float) -> None:
        world.seconds += seconds
        if world.seconds > 1000.0 + 2 * LIMIT:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await world.progress.watch(sleep)
    assert world.progress.is_stuck
