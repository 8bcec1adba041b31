"""What lay in a folder before its first start: recorded, held, or taken; each exactly once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events
from okdrop.drop import State
from okdrop.inbox.scan import FolderUnmounted, scan
from okdrop.inbox.walk import Wanted
from okdrop.pipeline import first_look as module
from okdrop.pipeline.first_look import HELD, IGNORED, FirstLook
from okdrop.pipeline.standing import Folder
from okdrop.report import status_as_lines
from okdrop.rules import EVERYTHING, Patterns, Rules

if TYPE_CHECKING:
    from pipeline.bench import Bench


ELSEWHERE = os.makedev(4000, 4000)
"""A device that nothing in these tests lies on."""


def folder(bench: Bench, **changes: Any) -> Folder:
    plain: dict[str, Any] = {"settle": 0, "rescan": 60, "suffixes": (".mp4",), "ignore": ()}
    return Folder(path=str(bench.folder), **plain | changes)


async def decide(
    bench: Bench, *, stays: bool = True, device: int | None = None, rules: Rules = EVERYTHING, **changes: Any
) -> list[str]:
    """Decide about what lies in the folder, in a run of its own; returns the names of what is left."""
    device = bench.folder.stat().st_dev if device is None else device
    wanted = Wanted(rules=rules, now=bench.clock.now().timestamp())
    every = scan(os.fsencode(bench.folder), suffixes=(".mp4",), ignore=(), wanted=wanted).found
    seen = await bench.ledger.unknown(every)
    changes = {"rules": rules} | changes
    left = await FirstLook(bench.parts, stays=stays).decide(
        folder(bench, **changes), seen, device, holds_videos=bool(every)
    )
    return sorted(os.path.basename(os.fsdecode(one.path)) for one in left)  # noqa: PTH119 - a name alone


def files(bench: Bench, count: int) -> list[str]:
    return [bench.file(f"{number}.mp4").name for number in range(count)]


@pytest.mark.parametrize("stays", [True, False])
async def test_what_lay_there_is_recorded_and_not_sent(bench: Bench, *, stays: bool) -> None:
    names = files(bench, 3)
    bench.file("empty.mp4", 0)
    assert await decide(bench, stays=stays, ignores_existing=True) == []
    rows = await bench.ledger.uploads()
    assert {row.state for row in rows} == {State.CANCELLED}
    assert len(rows) == len(names) + 1
    assert (await bench.ledger.history(rows[0].id))[-1].note == IGNORED
    assert "lay there before the first start" in [*status_as_lines({}, rows)][1]
    assert rows[0].handed_back().failure is None
    [told] = bench.told(events.ExistingIgnored)
    assert told.files == 4


async def test_what_comes_after_the_first_look_is_taken(bench: Bench) -> None:
    bench.file("before.mp4")
    await decide(bench, ignores_existing=True)
    bench.file("later.mp4")
    assert await decide(bench, ignores_existing=True) == ["later.mp4"]
    assert [row.drop.path for row in await bench.ledger.uploads()] == [
        os.fsencode(bench.folder / "before.mp4")
    ]


HOUR = 3600.0


async def test_what_is_too_young_or_too_small_at_the_first_look_lay_there_all_the_same(bench: Bench) -> None:
    bench.file("young.mp4")
    old = bench.file("old.mp4")
    long_ago = bench.clock.now().timestamp() - 30 * HOUR
    os.utime(old, (long_ago, long_ago))
    small = bench.file("small.mp4", 100_000)
    rules = Rules(min_size=200_000, min_age=HOUR, max_age=24 * HOUR)
    assert await decide(bench, ignores_existing=True, rules=rules) == []
    assert {row.state for row in await bench.ledger.uploads()} == {State.CANCELLED}
    [told] = bench.told(events.ExistingIgnored)
    assert told.files == 3
    bench.clock.ahead = 2 * HOUR
    assert await decide(bench, ignores_existing=True, rules=rules) == []
    assert await decide(bench, ignores_existing=True) == []  # rules of tomorrow make nothing new
    small.unlink()
    bench.file("later.mp4")
    bench.clock.ahead = 4 * HOUR
    assert await decide(bench, ignores_existing=True, rules=rules) == ["later.mp4"]


async def test_a_folder_of_which_all_was_ignored_for_its_age_is_decided_on_whatever_device(
    bench: Bench,
) -> None:
    bench.file("young.mp4")
    await decide(bench, ignores_existing=True, rules=Rules(min_age=HOUR))
    bench.file("later.mp4")
    assert await decide(bench, ignores_existing=True, device=ELSEWHERE) == ["later.mp4"]


async def test_what_no_pattern_takes_lies_outside_and_may_come_in(bench: Bench) -> None:
    draft = bench.file("draft.mp4")
    rules = Rules(leave=Patterns(["draft*"]), min_age=HOUR)
    assert await decide(bench, ignores_existing=True, rules=rules) == []
    assert await bench.ledger.uploads() == []
    draft.rename(bench.folder / "final.mp4")
    bench.clock.ahead = 2 * HOUR
    assert await decide(bench, ignores_existing=True, rules=rules) == ["final.mp4"]


async def test_nothing_is_decided_about_a_folder_that_is_another_one_meanwhile(bench: Bench) -> None:
    bench.file("young.mp4")
    with pytest.raises(FolderUnmounted):
        await decide(bench, ignores_existing=True, rules=Rules(min_age=HOUR), device=ELSEWHERE)
    assert await bench.ledger.uploads() == []
    assert not await bench.ledger.is_folder_known(str(bench.folder), device=ELSEWHERE)


async def test_an_empty_first_look_is_one_too(bench: Bench) -> None:
    await decide(bench, ignores_existing=True)
    bench.file("later.mp4")
    assert await decide(bench, ignores_existing=True) == ["later.mp4"]


async def test_where_nothing_lay_on_one_device_what_lies_on_another_one_is_looked_at_first(
    bench: Bench,
) -> None:
    """The first start met the place of a mount that came later, perhaps after more starts."""
    for device in (ELSEWHERE, ELSEWHERE + 1):
        assert await decide(bench, ignores_existing=True, device=device) == []
    bench.file("mounted.mp4")
    assert await decide(bench, ignores_existing=True) == []
    bench.file("later.mp4")
    assert await decide(bench, ignores_existing=True) == ["later.mp4"]
    assert [row.state for row in await bench.ledger.uploads()] == [State.CANCELLED]


async def test_too_many_that_came_with_another_device_are_held(bench: Bench) -> None:
    await decide(bench, surge=3, device=ELSEWHERE)
    files(bench, 4)
    assert await decide(bench, surge=3) == []
    assert [row.held for row in await bench.ledger.uploads()] == [True] * 4


async def test_once_a_file_is_taken_a_folder_is_decided_on_whatever_device(bench: Bench) -> None:
    """Devices of network mounts are renumbered at a start of the machine."""
    first_look, new = FirstLook(bench.parts, stays=True), folder(bench, ignores_existing=True)
    await first_look.decide(new, [], ELSEWHERE, holds_videos=False)
    await first_look.taken(new)
    names = files(bench, 2)
    assert await decide(bench, ignores_existing=True, device=ELSEWHERE + 1) == names


async def test_a_first_look_that_was_cut_short_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    files(bench, 5)
    monkeypatch.setattr(module, "AT_ONCE", 2)
    add_all, calls = type(bench.ledger).add_all, 0

    async def killed(*arguments: Any, **keywords: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionAbortedError
        return await add_all(*arguments, **keywords)

    monkeypatch.setattr(type(bench.ledger), "add_all", killed)
    with pytest.raises(ConnectionAbortedError):
        await decide(bench, ignores_existing=True)
    assert len(await bench.ledger.uploads()) == 2
    assert not await bench.ledger.is_folder_known(str(bench.folder), device=ELSEWHERE)
    await decide(bench, ignores_existing=True)
    assert [row.state for row in await bench.ledger.uploads()] == [State.CANCELLED] * 5
    assert await bench.ledger.is_folder_known(str(bench.folder), device=ELSEWHERE)


async def test_too_many_at_once_are_held(bench: Bench) -> None:
    files(bench, 4)
    bench.file("empty.mp4", 0)
    assert await decide(bench, surge=3) == ["empty.mp4"]
    rows = await bench.ledger.uploads()
    assert [(row.state, row.held) for row in rows] == [(State.QUEUED, True)] * 4
    assert (await bench.ledger.history(rows[0].id))[-1].note == HELD
    [told] = bench.told(events.SurgeHeld)
    assert told.files == 4
    assert "okdrop go" in told.hint
    assert "okdrop adopt" in told.hint


@pytest.mark.parametrize(
    ("stays", "surge"), [(True, 4), (True, 0), (False, 3)], ids=["few", "switched off", "an explicit order"]
)
async def test_else_all_are_taken(bench: Bench, *, stays: bool, surge: int) -> None:
    names = files(bench, 4)
    assert await decide(bench, stays=stays, surge=surge) == names
    assert bench.told(events.SurgeHeld) == []
    assert await bench.ledger.is_folder_known(str(bench.folder), device=ELSEWHERE)


async def test_a_known_folder_is_never_held(bench: Bench) -> None:
    await decide(bench, surge=1)
    assert await decide(bench, surge=1) == []
    names = files(bench, 3)
    assert await decide(bench, surge=1) == names


@pytest.mark.parametrize("way", [{"surge": 2}, {"ignores_existing": True}], ids=["held", "ignored"])
async def test_files_of_a_folder_that_was_renamed_are_known_by_their_inodes(
    bench: Bench, way: dict[str, Any]
) -> None:
    """Held and released, they would be sent a second time."""
    for number in range(3):
        row = await bench.taken(f"{number}.mp4")
        await bench.orders(row.id, State.UPLOADING)
        await bench.orders(row.id, State.FINALIZING)
        await bench.orders(row.id, State.PUBLISHED)
        (bench.folder / f"{number}.mp4").rename(bench.folder / f"renamed {number}.mp4")
    assert len(await decide(bench, **way)) == 3
    assert [row.state for row in await bench.ledger.uploads()] == [State.PUBLISHED] * 3
