"""Which files are looked at, what a round costs, and what comes of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.containers.structure import not_whole
from okdrop.drop import MINIMUM_SIZE
from okdrop.inbox import lease
from okdrop.inbox.lease import Writer
from okdrop.inbox.revision import revision_at
from okdrop.inbox.settle import Cause
from okdrop.pipeline import candidates as module
from okdrop.pipeline import sight
from okdrop.pipeline.candidates import LOOK_EVERY, SHARE, Candidates

if TYPE_CHECKING:
    from pathlib import Path

    from okdrop.containers import Structure
    from okdrop.drop import Revision
    from okdrop.pipeline.candidates import Finished
    from pipeline.bench import Bench

SETTLE = 10.0


@pytest.fixture
def candidates(bench: Bench) -> Candidates:
    return Candidates(bench.parts)


def add(candidates: Candidates, path: Path, *, settle: float = SETTLE, seen: bool = True) -> bytes:
    name = os.fsencode(path)
    candidates.add(name, folder="/drop", settle=settle, seen=revision_at(name) if seen else None)
    return name


async def looked(candidates: Candidates) -> list[Finished]:
    """A round of looks; returns what is settled."""
    return [one async for settled in candidates.look_round() for one in settled]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """For which files the kernel was asked about writers."""
    paths: list[bytes] = []

    def look(path: bytes) -> Writer:
        paths.append(path)
        return Writer.NONE

    monkeypatch.setattr(sight, "look_for_writer", look)
    return paths


async def test_a_file_settles_once_it_was_quiet(bench: Bench, candidates: Candidates) -> None:
    path = bench.file()
    add(candidates, path)
    assert await looked(candidates) == []
    bench.clock.ahead += SETTLE - 1
    assert await looked(candidates) == []
    bench.clock.ahead += 1.001
    [finished] = await looked(candidates)
    drop = finished.drop
    assert (drop.path, drop.revision, drop.folder) == (
        os.fsencode(path),
        revision_at(os.fsencode(path)),
        "/drop",
    )
    assert len(candidates) == 0
    assert os.fsencode(path) not in candidates


async def test_what_was_seen_before_it_was_added_counts_as_a_look(
    bench: Bench, candidates: Candidates
) -> None:
    add(candidates, bench.file())
    bench.clock.ahead += SETTLE
    assert len(await looked(candidates)) == 1


async def test_a_file_that_nobody_saw_yet_begins_with_the_first_round(
    bench: Bench, candidates: Candidates
) -> None:
    add(candidates, bench.file(), seen=False)
    bench.clock.ahead += SETTLE
    assert await looked(candidates) == []
    bench.clock.ahead += SETTLE
    assert len(await looked(candidates)) == 1


async def test_adding_a_file_again_does_not_begin_its_time_anew(bench: Bench, candidates: Candidates) -> None:
    path = bench.file()
    add(candidates, path)
    bench.clock.ahead += SETTLE
    add(candidates, path)
    assert len(await looked(candidates)) == 1


async def test_a_writer_is_asked_for_only_once_a_file_is_quiet(
    bench: Bench, candidates: Candidates, asked: list[bytes]
) -> None:
    path = bench.file()
    name = add(candidates, path)
    await looked(candidates)
    path.write_bytes(b"another")
    await looked(candidates)
    assert asked == []
    bench.clock.ahead += SETTLE
    assert len(await looked(candidates)) == 1
    assert asked == [name]


async def test_a_run_that_ends_asks_at_each_look(bench: Bench, asked: list[bytes]) -> None:
    candidates = Candidates(bench.parts, ask_early=True)
    name = add(candidates, bench.file(), seen=False)
    await looked(candidates)
    await looked(candidates)
    assert asked == [name, name]


async def test_what_is_written_before_the_writer_is_asked_for_is_seen(
    bench: Bench, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.file()
    add(candidates, path)
    bench.clock.ahead += SETTLE

    def look(_path: bytes) -> Writer:
        path.write_bytes(b"the last words, and closed")
        return Writer.NONE

    monkeypatch.setattr(sight, "look_for_writer", look)
    assert await looked(candidates) == []


async def test_a_file_that_a_writer_holds_is_asked_about_until_it_is_closed(
    bench: Bench, candidates: Candidates
) -> None:
    lease.prepare()
    if lease.can_see_writers(os.fsencode(bench.folder)) is not True:
        pytest.skip("writers cannot be seen on this file system")
    path = bench.file()
    add(candidates, path)
    bench.clock.ahead += SETTLE
    with path.open("ab"):
        assert await looked(candidates) == []
        assert await looked(candidates) == []
    assert len(await looked(candidates)) == 1
    assert [told.reason for told in bench.told(events.FileWaiting)] == [
        "seen for the first time",
        "held open by a writer",
    ]


async def test_what_goes_is_forgotten(bench: Bench, candidates: Candidates) -> None:
    path = bench.file()
    add(candidates, path)
    path.unlink()
    assert await looked(candidates) == []
    assert len(candidates) == 0


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
async def test_what_becomes_no_file_is_forgotten(bench: Bench, candidates: Candidates, kind: str) -> None:
    path = bench.file()
    add(candidates, path)
    path.unlink()
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "link": lambda: path.symlink_to("/etc")}[kind]()
    assert await looked(candidates) == []
    assert len(candidates) == 0


async def test_a_file_that_is_replaced_during_a_round_is_not_judged_by_the_old_look(
    bench: Bench, candidates: Candidates
) -> None:
    path = bench.file()
    add(candidates, path)
    bench.clock.ahead += SETTLE
    [old] = list(candidates)
    candidates.leave()
    add(candidates, path)
    assert candidates._judge(sight.Look(old, revision_at(os.fsencode(path)), Writer.NONE, 1e9)) is None
    assert len(candidates) == 1


async def test_a_round_that_takes_long_puts_the_next_one_off(
    bench: Bench, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.file()
    add(candidates, path)
    assert candidates.pause() == LOOK_EVERY

    def slow(_path: bytes) -> None:
        bench.clock.ahead += 3.0

    monkeypatch.setattr(sight, "revision_at", slow)
    await looked(candidates)
    assert candidates.pause() >= 3.0 * SHARE


@pytest.mark.parametrize(("settle", "pause"), [(0.0, 0.02), (0.4, 0.1), (600.0, LOOK_EVERY)])
async def test_the_shorter_settle_is_the_oftener_there_is_a_look(
    bench: Bench, candidates: Candidates, settle: float, pause: float
) -> None:
    add(candidates, bench.file(), settle=settle)
    assert candidates.pause() == pytest.approx(pause)


async def test_where_nothing_waits_nobody_looks(bench: Bench, candidates: Candidates) -> None:
    assert not candidates._some.is_set()
    path = bench.file()
    add(candidates, path)
    await candidates.wait_until_some()
    path.unlink()
    await looked(candidates)
    assert not candidates._some.is_set()


async def test_a_file_is_asked_once_for_each_revision_whether_it_is_whole(
    bench: Bench, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.file()
    name = os.fsencode(path)
    candidates.add(name, folder="/drop", settle=SETTLE, whole_within=60.0, seen=revision_at(name))
    asked = 0

    def structure(_path: bytes, _revision: Revision) -> Structure:
        nonlocal asked
        asked += 1
        return not_whole("MP4", "its end is missing")

    monkeypatch.setattr(sight, "structure_at", structure)
    monkeypatch.setattr(sight, "look_for_writer", lambda _path: Writer.NONE)
    for _ in range(3):
        bench.clock.ahead += SETTLE
        assert await looked(candidates) == []
    assert asked == 1
    os.utime(path, ns=(1, 1))
    bench.clock.ahead += SETTLE
    assert await looked(candidates) == []
    bench.clock.ahead += SETTLE
    assert await looked(candidates) == []
    assert asked == 2
    bench.clock.ahead += 60.0
    [finished] = await looked(candidates)
    assert finished.missing == "its end is missing"


async def test_one_that_ok_would_not_take_whole_either_is_not_waited_for(
    bench: Bench, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sight, "structure_at", lambda *_: not_whole("MP4", "its end is missing"))
    monkeypatch.setattr(sight, "look_for_writer", lambda _path: Writer.NONE)
    for size in (MINIMUM_SIZE - 1, MINIMUM_SIZE):
        name = os.fsencode(bench.file(f"{size}.mp4", size=size))
        candidates.add(name, folder="/drop", settle=SETTLE, whole_within=60.0, seen=revision_at(name))
    bench.clock.ahead += SETTLE
    [finished] = await looked(candidates)
    assert (finished.drop.revision.size, finished.missing) == (MINIMUM_SIZE - 1, "")
    assert len(candidates) == 1


async def test_many_are_looked_at_some_at_a_time_in_order_and_each_once_a_round(
    bench: Bench, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    names = [add(candidates, bench.file(f"{number}.mp4"), settle=0) for number in range(5)]
    lots = [settled async for settled in candidates.look_round()]
    assert [len(lot) for lot in lots] == [2, 2, 1]
    assert [one.drop.path for lot in lots for one in lot] == names
    assert len(candidates) == 0


async def test_what_came_or_went_while_a_lot_was_taken_is_seen_as_it_is(
    bench: Bench, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)
    for number in range(3):
        add(candidates, bench.file(f"{number}.mp4"), settle=0)
    seen: list[str] = []
    async for [one] in candidates.look_round():
        seen.append(bench.parts.file_name(one.drop))
        if seen == ["0.mp4"]:
            bench.file("1.mp4").unlink()
            add(candidates, bench.file("late.mp4"), settle=0)
    assert seen == ["0.mp4", "2.mp4"]
    await candidates.wait_until_some()
    assert [bench.parts.file_name(one.drop) for one in await looked(candidates)] == ["late.mp4"]


async def test_each_reason_is_told_once_whatever_comes_between(
    bench: Bench, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.file()
    add(candidates, path)
    writer = Writer.WRITING
    monkeypatch.setattr(sight, "look_for_writer", lambda _path: writer)
    for _ in range(3):
        with path.open("ab") as file:
            file.write(b"more")
        bench.clock.ahead += 1
        await looked(candidates)
        bench.clock.ahead += SETTLE
        await looked(candidates)
    assert [told.reason.partition(",")[0] for told in bench.told(events.FileWaiting)] == [
        "seen for the first time",
        "still growing",
        "held open by a writer",
    ]


async def test_what_waits_is_counted_by_its_reason_and_named_from_the_longest_on(
    bench: Bench, candidates: Candidates
) -> None:
    first = add(candidates, bench.file("a.mp4"))
    bench.clock.ahead += 5
    path = bench.file("b.mp4")
    second = add(candidates, path)
    with path.open("ab") as file:
        file.write(b"more")
    bench.clock.ahead += 1
    await looked(candidates)
    waiting = candidates.waiting(1)
    assert waiting.causes == {Cause.QUIET: 1, Cause.GROWING: 1}
    [longest] = waiting.longest
    assert (longest.path, longest.folder, longest.cause) == (first, "/drop", Cause.QUIET)
    assert longest.seconds >= 6
    assert [one.path for one in candidates.waiting(9).longest] == [first, second]
    assert candidates.waiting(0).longest == ()
