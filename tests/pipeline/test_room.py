"""That a disk gets full is told once, until there is room; a disk that hangs holds up nobody."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

from okdrop import events
from okdrop.pipeline import room as room_of
from okdrop.pipeline.room import Left, Room, left_at

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

GIB = 1024**3


class Disks:
    """How much is left where, as a test says."""

    def __init__(self, **places: tuple[int, int]) -> None:
        self.places = places

    def left_at(self, place: bytes) -> Left | None:
        found = self.places.get(place.decode())
        return None if found is None else Left(device=found[0], free=found[1])


def laid(
    monkeypatch: pytest.MonkeyPatch, disks: Disks, *places: str
) -> tuple[Room, list[events.DiskLow | events.DiskAmple]]:
    told: list[events.Event] = []
    monkeypatch.setattr(room_of, "left_at", disks.left_at)
    room = Room(told.append, [place.encode() for place in places], least=GIB, look_every=0.001)
    return room, told  # type: ignore[return-value]


async def test_little_room_is_told_once_until_there_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    disks = Disks(ledger=(1, GIB - 1))
    room, told = laid(monkeypatch, disks, "ledger")
    for free in (GIB - 1, 0, GIB, GIB + 1, GIB - 5):
        disks.places["ledger"] = 1, free
        await room.look()
    (low,) = told
    assert isinstance(low, events.DiskLow)
    assert (low.path, low.free, low.least) == ("ledger", GIB - 1, GIB)
    disks.places["ledger"] = 1, GIB * 5 // 4
    await room.look()
    assert isinstance(told[1], events.DiskAmple)
    disks.places["ledger"] = 1, 0
    await room.look()
    assert [one.name for one in told] == ["disk.low", "disk.ample", "disk.low"]


async def test_places_on_one_disk_are_told_of_once_and_each_disk_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room, told = laid(monkeypatch, Disks(a=(1, 0), b=(1, 0), c=(2, 0), d=(3, 2 * GIB)), *"abcd")
    await room.look()
    assert [one.path for one in told] == ["a", "c"]


async def test_a_place_that_is_away_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    room, told = laid(monkeypatch, Disks(), "gone")
    await room.look()
    assert told == []


async def test_a_disk_that_hangs_is_left_and_asked_by_no_second_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room_of, "HANGS_AFTER", 0.05)
    release, asked = threading.Event(), []

    def left(place: bytes) -> Left:
        asked.append(place)
        if place == b"hangs":
            release.wait(10)
        return Left(device=len(place), free=0)

    told: list[events.Event] = []
    monkeypatch.setattr(room_of, "left_at", left)
    room = Room(told.append, [b"hangs", b"ok"], least=GIB)
    await room.look()
    await room.look()
    assert asked == [b"hangs", b"ok", b"ok"]
    assert [one.path for one in told if isinstance(one, events.DiskLow)] == ["ok"]
    release.set()
    await room.look()
    assert [one.path for one in told if isinstance(one, events.DiskLow)] == ["ok", "hangs"]


async def test_where_nobody_wants_to_know_nobody_looks() -> None:
    async with asyncio.timeout(5):
        await Room(lambda _: None, [b"/"], least=0).run()


def test_a_real_disk_can_be_asked(tmp_path: Path) -> None:
    left = left_at(os.fsencode(tmp_path))
    assert left is not None
    assert left.device == tmp_path.stat().st_dev
    assert left.free > 0
    assert left_at(b"/nowhere/at/all") is None


async def test_it_looks_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    disks = Disks(ledger=(1, 2 * GIB))
    room, told = laid(monkeypatch, disks, "ledger")
    running = asyncio.ensure_future(room.run())
    disks.places["ledger"] = 1, 0
    async with asyncio.timeout(10):
        while not told:  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.wait({running})
