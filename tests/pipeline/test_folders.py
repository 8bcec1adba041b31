"""A folder of a run that stays: whatever becomes of hints, mounts and permissions, every file is found."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import os
import pathlib
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from okdrop import events
from okdrop.config.watch import Watching
from okdrop.drop import Drop, State
from okdrop.inbox import canary, hints, walk, watching
from okdrop.inbox import scan as scanning
from okdrop.inbox.canary import Heard
from okdrop.inbox.scan import FolderUnmounted
from okdrop.ledger import Ledger
from okdrop.names import PROBE
from okdrop.pipeline import folders as module
from okdrop.pipeline import standing
from okdrop.pipeline.first_look import FirstLook
from okdrop.pipeline.folders import FolderWatch
from okdrop.pipeline.standing import Folder
from pipeline.bench import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

    from okdrop.inbox.scan import Scan
    from okdrop.inbox.walk import Found
    from pipeline.bench import Bench

NEVER = 3600.0
OFTEN = 0.03


class Watched:
    """A folder's watch, and what it was told to do."""

    def __init__(self, bench: Bench, *, hangs_after: float = 60, **settings: Any) -> None:
        plain: dict[str, Any] = {"settle": 0, "rescan": NEVER, "suffixes": (".mp4",), "ignore": (".*",)}
        plain["watching"] = Watching.EVENTS  # where probes and polls are not what is looked at
        self.bench = bench
        self.found: list[Drop] = []
        self.busy: set[bytes] = set()
        self.returns = 0
        self.looked = False
        self.watch = FolderWatch(
            bench.parts,
            Folder(path=str(bench.folder), **plain | settings),
            first_look=FirstLook(bench.parts, stays=True),
            found=lambda _folder, drop: self.found.append(drop),
            is_busy=self.busy.__contains__,
            back=self._count_return,
            looked=self._note_look,
            hangs_after=hangs_after,
        )

    def _note_look(self, _folder: Folder) -> None:
        self.looked = True

    def _count_return(self) -> None:
        self.returns += 1

    @property
    def names(self) -> list[str]:
        return [os.fsdecode(drop.path).rpartition("/")[2] for drop in self.found]

    @contextlib.asynccontextmanager
    async def running(self, told: type[events.Event] = events.FolderWatched) -> AsyncIterator[None]:
        """Run it, from when something was told to the end of the block; whatever it raises comes out."""
        task = asyncio.create_task(self.watch.run())
        try:
            await until(lambda: task.done() or bool(self.bench.told(told)))
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_what_lies_there_is_found_and_so_is_what_comes(bench: Bench) -> None:
    bench.file("a.mp4")
    watched = Watched(bench)
    async with watched.running():
        bench.file("b.mp4")
        bench.file("c.txt")
        await until(lambda: "b.mp4" in watched.names)
    assert set(watched.names) == {"a.mp4", "b.mp4"}
    [told] = bench.told(events.FolderWatched)
    assert told.mode == "kernel events"


async def test_what_comes_between_the_scan_and_the_watch_is_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = hints.Hints.watch

    async def late(self: hints.Hints, folders: Mapping[bytes, walk.Identity]) -> None:
        bench.file("between.mp4")
        await watch(self, folders)

    monkeypatch.setattr(hints.Hints, "watch", late)
    watched = Watched(bench)
    async with watched.running():
        await until(lambda: "between.mp4" in watched.names)


async def test_what_comes_just_before_a_new_folder_is_watched_is_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hints alone: there is no rescan. The watch until then has heard of it, and not told yet."""
    watch = hints.Hints.watch
    comes = iter(("beside.mp4", "another/deep/second.mp4"))

    async def late(self: hints.Hints, folders: Mapping[bytes, walk.Identity]) -> None:
        if self.folders and (name := next(comes, "")):
            (bench.folder / name).parent.mkdir(parents=True, exist_ok=True)
            bench.file(name)
        await watch(self, folders)

    monkeypatch.setattr(hints.Hints, "watch", late)
    watched = Watched(bench)
    async with watched.running():
        (bench.folder / "first").mkdir()
        await until(lambda: "beside.mp4" in watched.names)
        (bench.folder / "second").mkdir()
        await until(lambda: "second.mp4" in watched.names)
    assert next(comes, "") == ""


async def test_what_is_looked_at_already_is_not_found_again(bench: Bench) -> None:
    path = bench.file("a.mp4")
    watched = Watched(bench)
    watched.busy.add(os.fsencode(path))
    async with watched.running():
        path.write_bytes(b"more")
        bench.file("b.mp4")
        await until(lambda: bool(watched.names))
    assert set(watched.names) == {"b.mp4"}


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


def rename(folder: Path) -> None:
    folder.rename(folder.parent.parent / "away")


@pytest.mark.parametrize("vanish", [remove, rename])
@pytest.mark.parametrize("which", ["the folder itself", "one in it", "one deep in it"])
async def test_a_folder_that_is_made_anew_under_its_name_is_watched_as_the_one_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, vanish: Callable[[Path], None], which: str
) -> None:
    """By hints alone: there is no rescan."""
    monkeypatch.setattr(module, "AWAY_EVERY", 0.005)
    deep = bench.folder / "sub" / "deep"
    deep.mkdir(parents=True)
    watched = Watched(bench)
    async with watched.running():
        vanish({"the folder itself": bench.folder, "one in it": deep.parent}.get(which, deep))
        deep.mkdir(parents=True)
        bench.file("sub/deep/made with it.mp4")
        await until(lambda: "made with it.mp4" in watched.names)
        for number in range(3):
            bench.file(f"sub/deep/{number}.mp4")
            await until(lambda number=number: f"{number}.mp4" in watched.names)
    assert watched.watch._hints.folders == {}


async def test_a_folder_that_is_another_at_a_scan_is_watched_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one is over which something was mounted: no event tells of that."""
    watches: list[set[bytes]] = []
    watch = hints.Hints.watch

    async def noted(self: hints.Hints, folders: Mapping[bytes, walk.Identity]) -> None:
        watches.append(set(folders))
        await watch(self, folders)

    monkeypatch.setattr(hints.Hints, "watch", noted)
    watched = Watched(bench, rescan=OFTEN)
    async with watched.running():
        watched.watch._hints._folders[os.fsencode(bench.folder)] = (4000, 1)
        await until(lambda: len(watches) == 2)
    assert watches == [{os.fsencode(bench.folder)}] * 2


class Silent:
    """A watch that tells nothing, as one whose events the kernel had to drop (IN_Q_OVERFLOW)."""

    def watch(self, _gather: int, _step: int, _timeout: int, stop: threading.Event) -> str:
        while not stop.is_set():
            time.sleep(0.005)
        return "stop"

    def close(self) -> None:
        pass


async def test_events_that_are_lost_without_a_word_are_made_up_for_by_the_next_scan(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints._rust_notify, "RustNotify", lambda *_: Silent())
    watched = Watched(bench, rescan=OFTEN)
    async with watched.running():
        bench.file("a.mp4")
        await until(lambda: "a.mp4" in watched.names)


async def test_more_hints_than_many_are_a_reason_to_scan(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that no hint speaks of is found with those that fill the queue."""
    monkeypatch.setattr(module, "MANY", 2)
    watched = Watched(bench)
    async with watched.running():
        bench.file("silent.mp4")
        await until(lambda: "silent.mp4" in watched.names)
        watched.found.clear()
        assert watched.watch._hints._watch is not None
        watched.watch._hints._hinted(watched.watch._hints._watch, {(1, b"/1"), (1, b"/2"), (1, b"/3")})
        await until(lambda: "silent.mp4" in watched.names)


class Breaking:
    """A watch that breaks when it is told to."""

    made: list[Breaking]

    def __init__(self, *_: object) -> None:
        self.breaks = threading.Event()
        self.made.append(self)

    def watch(self, _gather: int, _step: int, _timeout: int, stop: threading.Event) -> str:
        while not self.breaks.wait(0.005):
            if stop.is_set():
                return "stop"
        raise hints._rust_notify.WatchfilesRustInternalError("Unable to decode path")

    def close(self) -> None:
        pass


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> list[Breaking]:
    Breaking.made = []
    monkeypatch.setattr(hints._rust_notify, "RustNotify", Breaking)
    return Breaking.made


async def test_when_a_watch_breaks_there_is_a_scan_at_once_and_another_watch_later(
    bench: Bench, breaking: list[Breaking]
) -> None:
    watched = Watched(bench)
    async with watched.running():
        for number in range(3):
            bench.file(f"{number}.mp4")
            breaking[-1].breaks.set()
            await until(lambda number=number: f"{number}.mp4" in watched.names)
            bench.file(f"{number}, while there is no watch.mp4")
            bench.clock.ahead += standing.BROKEN_DELAY + standing.QUICK
            watched.watch._hints._news.set()  # what waits looks at the clock
            await until(lambda number=number: len(breaking) == number + 2)
            await until(lambda number=number: f"{number}, while there is no watch.mp4" in watched.names)
    [told] = bench.told(events.HintsLost)
    assert told.reason == "Unable to decode path"


async def test_a_watch_that_lives_on_is_told_again(bench: Bench, breaking: list[Breaking]) -> None:
    watched = Watched(bench)
    async with watched.running():
        breaking[-1].breaks.set()
        await until(lambda: bool(bench.told(events.HintsLost)))
        bench.clock.ahead += standing.BROKEN_DELAY
        watched.watch._hints._news.set()
        await until(lambda: len(breaking) == 2 and bool(watched.watch._hints.folders))
        watched.watch._hints._news.set()
        assert bench.told(events.HintsBack) == []
        bench.clock.ahead += standing.STEADY
        await until(lambda: watched.watch._hints._news.set() or bool(bench.told(events.HintsBack)))
    [told] = bench.told(events.HintsBack)
    assert told.times == 1


async def test_a_folder_that_is_missing_is_waited_for_and_told_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AWAY_EVERY", 0.005)
    bench.folder.rmdir()
    watched = Watched(bench)
    async with watched.running(told=events.FolderAway):
        bench.folder.mkdir()
        bench.file("a.mp4")
        await until(lambda: "a.mp4" in watched.names)
    [told] = bench.told(events.FolderAway)
    assert told.code == "folder_missing"
    assert len(bench.told(events.FolderBack)) == watched.returns == 1


async def test_a_folder_may_go_and_come_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AWAY_EVERY", 0.005)
    watched = Watched(bench, rescan=OFTEN)
    async with watched.running():
        for number in range(2):
            shutil.rmtree(bench.folder)
            await until(lambda number=number: len(bench.told(events.FolderAway)) == number + 1)
            bench.folder.mkdir()
            bench.file(f"{number}.mp4")
            await until(lambda number=number: f"{number}.mp4" in watched.names)
    assert watched.returns == 2


@pytest.fixture
def mount(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Plays another device in the folder's place, with nothing in it; `{}` is the folder as it is."""
    instead: dict[str, Any] = {}
    real = scanning.scan

    def scan(*arguments: Any, **keywords: Any) -> Scan:
        return dataclasses.replace(real(*arguments, **keywords), **instead)

    monkeypatch.setattr(module, "scan", scan)
    monkeypatch.setattr(module, "AWAY_EVERY", 0.005)
    return instead


async def test_a_folder_that_goes_away_while_it_is_decided_about_is_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide, tries = FirstLook.decide, 0

    async def goes_away(*arguments: Any, **keywords: Any) -> list[Found]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise FolderUnmounted("it lies on another device than when the look began")
        return await decide(*arguments, **keywords)

    monkeypatch.setattr(FirstLook, "decide", goes_away)
    monkeypatch.setattr(module, "AWAY_EVERY", 0.005)
    bench.file("a.mp4")
    watched = Watched(bench)
    async with watched.running(told=events.FolderAway):
        await until(lambda: "a.mp4" in watched.names)
    assert len(bench.told(events.FolderBack)) == watched.returns == 1


async def test_a_folder_that_is_suddenly_empty_and_another_device_is_away(
    bench: Bench, mount: dict[str, Any]
) -> None:
    bench.file("a.mp4")
    watched = Watched(bench, rescan=OFTEN)
    async with watched.running():
        mount.update(device=4000, is_empty=True, found=[])
        await until(lambda: bool(bench.told(events.FolderAway)))
        assert bench.told(events.FolderAway)[0].code == "folder_unmounted"
        mount.clear()
        await until(lambda: bool(bench.told(events.FolderBack)))
    assert watched.returns == 1


async def test_a_folder_on_another_device_whose_videos_vanished_is_away_whatever_else_it_holds(
    bench: Bench, mount: dict[str, Any]
) -> None:
    """As the place of a mount that is kept in a repository by a file of its own."""
    path = bench.file()
    bench.file(".keep")
    watched = Watched(bench, rescan=OFTEN)
    async with watched.running():
        path.rename(bench.folder / ".a.mp4")
        mount.update(device=4000)
        await until(lambda: bool(bench.told(events.FolderAway)))
        assert bench.told(events.FolderAway)[0].code == "folder_unmounted"
        bench.file("b.mp4")
        await until(lambda: "b.mp4" in watched.names)
    assert watched.returns == 1
    assert bench.parts.devices[str(bench.folder)] >= {bench.folder.stat().st_dev}


async def test_a_folder_on_another_device_that_holds_something_is_the_folder(
    bench: Bench, mount: dict[str, Any]
) -> None:
    watched = Watched(bench, rescan=OFTEN)
    async with watched.running():
        mount.update(device=4000, is_empty=False)
        bench.file("a.mp4")
        await until(lambda: "a.mp4" in watched.names)
    assert bench.told(events.FolderAway) == []


async def test_the_first_look_is_at_what_is_mounted_and_not_at_its_empty_place(
    bench: Bench, mount: dict[str, Any]
) -> None:
    mount.update(device=4000, is_empty=True, found=[])
    watched = Watched(bench, rescan=OFTEN, ignores_existing=True)
    async with watched.running():
        bench.file("a.mp4")
        mount.clear()
        await until(lambda: bool(bench.told(events.ExistingIgnored)))
        bench.file("b.mp4")
        await until(lambda: "b.mp4" in watched.names)
    assert "a.mp4" not in watched.names


@pytest.mark.parametrize("by", ["a hint", "a scan"])
async def test_what_is_dropped_into_a_new_folder_that_was_empty_is_taken_and_decides_it(
    bench: Bench, by: str
) -> None:
    rescan = NEVER if by == "a hint" else OFTEN
    watched = Watched(bench, rescan=rescan, ignores_existing=True)
    async with watched.running():
        if by == "a scan":
            watched.watch._hints.close()
        bench.file("a.mp4")
        await until(lambda: "a.mp4" in watched.names)
    assert await bench.ledger.is_folder_known(str(bench.folder), device=4000)


async def test_what_cannot_be_looked_at_is_told_once_until_it_is_mended(
    bench: Bench, mount: dict[str, Any]
) -> None:
    problem = walk.Problem(path=b"/drop/locked", reason="Permission denied")
    mount.update(problems=[problem])
    watched = Watched(bench, rescan=OFTEN)
    scans = 0

    def count(_event: object = None) -> None:
        nonlocal scans
        scans += 1

    keep = watched.watch._known.keep
    watched.watch._known.keep = lambda sighting: (count(), keep(sighting))[1]  # type: ignore[method-assign]
    async with watched.running():
        await until(lambda: scans > 3)
        assert len(bench.told(events.FileUnreadable)) == 1
        mount.clear()
        seen = scans
        await until(lambda: scans > seen + 1)
        mount.update(problems=[problem])
        await until(lambda: len(bench.told(events.FileUnreadable)) == 2)


# --- how it is watched ------------------------------------------------------------------------------


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> dict[str, Heard]:
    """A watch that tells nothing, and a probe that is heard or not."""
    heard = {"is": Heard.NO}
    monkeypatch.setattr(hints._rust_notify, "RustNotify", lambda *_: Silent())
    monkeypatch.setattr(
        module, "prove", lambda devices, _hear: watching.prove(devices, lambda _folder: heard["is"])
    )
    return heard


def modes(bench: Bench) -> list[str]:
    return [told.watching for told in bench.told(events.FolderWatched)]


@pytest.mark.usefixtures("silent")
async def test_a_mount_that_tells_nothing_is_polled_and_that_is_told(bench: Bench) -> None:
    """By polls alone: there is no rescan."""
    watched = Watched(bench, watching=Watching.AUTO, poll=OFTEN)
    async with watched.running():
        (bench.folder / "sub").mkdir()
        bench.file("sub/a.mp4")
        await until(lambda: "a.mp4" in watched.names)
        # Not for a moment alone: a watch is tried again and again, and lives until it is found to be silent.
        await until(lambda: watched.watch._hints.folders == {})
    assert modes(bench) == ["polling"]
    [told] = bench.told(events.HintsLost)
    assert "the kernel tells of nothing that happens in" in told.reason
    assert 'watching = "poll"' in told.hint


async def test_a_mount_that_tells_again_is_polled_no_more(bench: Bench, silent: dict[str, Heard]) -> None:
    watched = Watched(bench, watching=Watching.AUTO, poll=OFTEN)
    async with watched.running():
        silent["is"] = Heard.YES
        bench.clock.ahead += standing.REFUSED_DELAY
        await until(lambda: watched.watch._standing._has_watch)
        bench.clock.ahead += standing.STEADY
        await until(lambda: modes(bench) == ["polling", "events"])


async def test_what_other_machines_may_write_is_polled_beside_the_events(
    bench: Bench, silent: dict[str, Heard], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent["is"] = Heard.YES
    monkeypatch.setattr(module, "remote_among", lambda _devices: b"nfs4")
    watched = Watched(bench, watching=Watching.AUTO, poll=OFTEN)
    async with watched.running():
        bench.file("by another machine.mp4")
        await until(lambda: bool(watched.names))
        assert watched.watch._hints.folders
    [told] = bench.told(events.FolderWatched)
    assert told.watching == "both"
    assert told.mode.endswith("since other machines may write here unseen (nfs4)")
    assert bench.told(events.HintsLost) == []


async def test_who_asks_for_polling_gets_polls_and_no_watch_and_no_probe(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints._rust_notify, "RustNotify", None)
    watched = Watched(bench, watching=Watching.POLL, poll=OFTEN)
    async with watched.running():
        bench.file("a.mp4")
        await until(lambda: "a.mp4" in watched.names)
    assert modes(bench) == ["polling"]


async def test_who_asks_for_events_gets_no_probe(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "prove", None)
    watched = Watched(bench, watching=Watching.EVENTS)
    async with watched.running():
        bench.file("a.mp4")
        await until(lambda: "a.mp4" in watched.names)
    assert modes(bench) == ["events"]


async def test_a_probe_is_laid_once_for_each_device_and_again_after_it_was_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AWAY_EVERY", 0.005)
    proven: list[object] = []
    monkeypatch.setattr(module, "prove", lambda devices, _hear: proven.append(devices))
    watched = Watched(bench, watching=Watching.AUTO, rescan=OFTEN)
    async with watched.running():
        for number in range(3):
            bench.file("a.mp4").rename(bench.folder / f"{number}.mp4")
            (bench.folder / f"folder {number}").mkdir()
            await until(lambda number=number: len(watched.watch._hints.folders) == number + 2)
        assert len(proven) == 1
        shutil.rmtree(bench.folder)
        await until(lambda: bool(bench.told(events.FolderAway)))
        bench.folder.mkdir()
        await until(lambda: len(proven) == 2)


async def test_a_probe_that_gets_no_answer_leaves_the_folder_polled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr(module, "prove", lambda _devices, _hear: goes_on.wait(20))
    monkeypatch.setattr(module, "WITHIN", 0.0)
    watched = Watched(bench, watching=Watching.AUTO, poll=OFTEN, hangs_after=0.05)
    try:
        async with watched.running():
            bench.file("a.mp4")
            await until(lambda: "a.mp4" in watched.names)
    finally:
        goes_on.set()
    assert modes(bench) == ["polling"]
    assert bench.told(events.HintsLost)[0].reason.endswith("gets no answer")


@pytest.fixture
def undeletable(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files may be made in the folder, and not removed."""
    unlink = pathlib.Path.unlink

    def refuse(self: pathlib.Path, *, missing_ok: bool = False) -> None:
        if self.parent == bench.folder and self.name.startswith(PROBE):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(pathlib.Path, "unlink", refuse)


@pytest.mark.usefixtures("undeletable")
async def test_where_nothing_can_be_removed_one_probe_is_left_told_and_no_other_laid(
    bench: Bench,
) -> None:
    watched = Watched(bench, watching=Watching.AUTO)
    async with watched.running():
        bench.file("a.mp4")
        await until(lambda: "a.mp4" in watched.names)
        watched.watch._proven.clear()  # as after the folder was away
        await watched.watch._prove({bench.folder.stat().st_dev: os.fsencode(bench.folder)})
    [left] = bench.folder.glob(f"{PROBE}*")
    assert [told.path for told in bench.told(events.ProbeLeft)] == [str(left)]
    assert modes(bench) == ["events"]


async def test_an_error_that_nobody_foresaw_in_a_probe_leaves_the_folder_polled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(*_: object) -> NoReturn:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(canary.Canary, "listen", stale)
    watched = Watched(bench, watching=Watching.AUTO, poll=OFTEN)
    async with watched.running():
        bench.file("a.mp4")
        await until(lambda: "a.mp4" in watched.names)
    assert modes(bench) == ["polling"]
    assert "cannot be probed: " in bench.told(events.HintsLost)[0].reason


@pytest.mark.parametrize("way", [Watching.EVENTS, Watching.POLL])
async def test_what_lies_too_deep_is_not_found_and_what_does_not_is(bench: Bench, way: Watching) -> None:
    (bench.folder / "one" / "two").mkdir(parents=True)
    watched = Watched(bench, watching=way, poll=OFTEN, depth=1)
    async with watched.running():
        bench.file("one/two/too deep.mp4")
        bench.file("one/a.mp4")
        (bench.folder / "new" / "er").mkdir(parents=True)
        bench.file("new/er/too deep.mp4")
        bench.file("new/b.mp4")
        await until(lambda: {"a.mp4", "b.mp4"} <= {*watched.names})
    assert "too deep.mp4" not in watched.names


# --- what hangs ---------------------------------------------------------------------------------------


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], threading.Event]]:
    """Lets whoever lists this folder hang until the event is set, as on a mount whose server is gone."""
    ends: list[threading.Event] = []
    real = os.scandir

    def hang(folder: Path) -> threading.Event:
        end = threading.Event()
        ends.append(end)

        def scandir(path: bytes) -> Any:
            if path == os.fsencode(folder):
                end.wait(20)
            return real(path)

        monkeypatch.setattr(walk.os, "scandir", scandir)
        return end

    yield hang
    for end in ends:
        end.set()


@pytest.mark.parametrize("nested", [False, True])
async def test_a_folder_that_gives_no_answer_is_told_counts_as_looked_at_and_is_waited_for(
    bench: Bench, hanging: Callable[[Path], threading.Event], *, nested: bool
) -> None:
    place = bench.folder / "nest" if nested else bench.folder
    place.mkdir(exist_ok=True)
    bench.file("a.mp4")
    end = hanging(place)
    watched = Watched(bench, hangs_after=0.02)
    async with watched.running(told=events.FolderAway):
        assert watched.looked
        assert watched.names == []
        end.set()
        await until(lambda: "a.mp4" in watched.names)
    [told] = bench.told(events.FolderAway)
    assert (told.code, told.path) == ("folder_hangs", str(bench.folder))
    assert str(place) in told.message
    assert len(bench.told(events.FolderBack)) == watched.returns == 1


async def test_a_folder_that_hangs_when_a_hint_leads_there_is_told_and_waited_for(
    bench: Bench, hanging: Callable[[Path], threading.Event]
) -> None:
    watched = Watched(bench, hangs_after=0.02)
    async with watched.running():
        end = hanging(bench.folder / "nest")
        (bench.folder / "nest").mkdir()
        await until(lambda: bool(bench.told(events.FolderAway)))
        end.set()
        bench.file("nest/a.mp4")
        await until(lambda: "a.mp4" in watched.names)
    assert watched.returns == 1


async def test_a_look_that_is_slow_and_comes_further_does_not_hang(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_folder: bytes, *, progress: walk.Progress, **_settings: Any) -> Scan:
        while len(glances) < 3 * module.GLANCES:
            progress.steps += 1
        return scanning.Scan(found=[], problems=[], folders={})

    glances: list[object] = []
    wait = asyncio.wait

    async def glance(*arguments: Any, **keywords: Any) -> Any:
        glances.append(arguments)
        return await wait(*arguments, **keywords)

    monkeypatch.setattr(module, "scan", slow)
    monkeypatch.setattr(asyncio, "wait", glance)
    watched = Watched(bench, hangs_after=0.5)
    await watched.watch._seen(watched.watch._known.sighting())
    assert bench.told(events.FolderAway) == []


# --- what the ledger knows ----------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Which files the ledger was asked about."""
    paths: list[bytes] = []
    unknown = Ledger.unknown

    async def noted(self: Ledger, drops: list[Drop]) -> list[Drop]:
        paths.extend(drop.path for drop in drops)
        return await unknown(self, drops)

    monkeypatch.setattr(Ledger, "unknown", noted)
    return paths


async def scanned(watched: Watched) -> None:
    await watched.watch._scan()


async def test_what_the_ledger_knows_is_asked_about_once(bench: Bench, asked: list[bytes]) -> None:
    row = await bench.taken()
    watched = Watched(bench)
    for _ in range(3):
        await scanned(watched)
    assert asked == [row.drop.path]
    assert watched.found == []


async def test_another_revision_is_news_and_so_is_the_first_one_when_it_comes_back(
    bench: Bench, asked: list[bytes]
) -> None:
    row = await bench.taken()
    path = bench.folder / "a.mp4"
    watched = Watched(bench)
    await scanned(watched)
    bench.file(seed="another")
    await scanned(watched)
    newer = await bench.intake.take(watched.found[-1])
    assert newer is not None
    assert (await bench.row(row.id)).state is State.SUPERSEDED
    await scanned(watched)
    bench.file()
    os.utime(path, ns=(row.drop.revision.mtime_ns,) * 2)
    await scanned(watched)
    assert len(watched.found) == 2
    assert watched.found[-1].revision.mtime_ns == row.drop.revision.mtime_ns
    assert len(asked) == 4


async def test_a_row_that_is_superseded_between_two_scans_is_not_remembered(bench: Bench) -> None:
    """The file is another for a while, which no scan sees, and is the first one again."""
    row = await bench.taken()
    watched = Watched(bench)
    await scanned(watched)
    await bench.orders(row.id, State.SUPERSEDED)
    watched.watch.forget(row.drop.path)
    await scanned(watched)
    assert [drop.path for drop in watched.found] == [row.drop.path]


async def test_after_another_process_wrote_everything_is_asked_again(bench: Bench) -> None:
    row = await bench.taken()
    watched = Watched(bench)
    await scanned(watched)
    async with await Ledger.open(bench.ledger_url, lock=False) as other:
        await other.write(row.to(State.SUPERSEDED), note="by another process")
    await scanned(watched)
    assert [drop.path for drop in watched.found] == [row.drop.path]


async def test_what_nothing_is_to_be_done_about_is_not_asked_about(bench: Bench, asked: list[bytes]) -> None:
    watched = Watched(bench)
    drop = bench.drop(bench.file())
    watched.watch._foreign = await bench.ledger.foreign_writes()
    watched.watch.know(drop)
    await scanned(watched)
    assert asked == []


async def test_many_files_are_asked_about_in_parts_and_found_by_their_age(
    bench: Bench, asked: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    known = [await bench.taken(f"known-{number}.mp4") for number in range(5)]
    for number in (3, 1, 2):
        os.utime(bench.file(f"new-{number}.mp4"), (number, number))
    watched = Watched(bench)
    await scanned(watched)
    assert watched.names == ["new-1.mp4", "new-2.mp4", "new-3.mp4"]
    assert len(asked) == len(set(asked)) == 8
    watched.busy.update(drop.path for drop in watched.found)
    await scanned(watched)
    assert len(asked) == 8
    assert {row.drop.path for row in known} <= set(asked)


async def test_a_folder_that_holds_known_videos_alone_is_not_an_empty_one(bench: Bench) -> None:
    """On another device nothing is to be decided about it again."""
    await bench.taken()
    await scanned(Watched(bench))
    assert await bench.ledger.is_folder_known(str(bench.folder), device=4000)
