"""Every way in which files come into a folder: each file is taken once, whole, when it is finished."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import (
    KB,
    MB,
    NO_WATCHES,
    assert_no_litter,
    assert_published_once,
    published,
    received,
    record,
    seeded,
    shell,
    until,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from e2e.harness import Daemon, Running
    from okdrop.emulator import Emulator

SIZE = 200 * KB
SLOW = 250 * KB
SMALL = {"upload__segment_size": "64KiB"}
YEAR = 365 * 86_400
NEVER = "1h"  # so that nothing but a hint can have been the reason


def works(within: tuple[str, ...]) -> bool:
    """Whether this machine lets us execute commands so."""
    return subprocess.run([*within, "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture(params=["by hints", "by polls", "by scans"])
def finding(request: pytest.FixtureRequest) -> Callable[[Daemon], dict[str, Any]]:
    """Let a daemon find files by the kernel's events alone, by polls or by scans; returns how it watches."""

    def set_up(daemon: Daemon) -> dict[str, Any]:
        if request.param == "by hints":
            return {"rescan": NEVER}
        if request.param == "by polls":
            return {"rescan": NEVER, "watching": "poll", "poll": "200ms"}
        if not works(NO_WATCHES):
            pytest.skip("needs user namespaces")
        daemon.within = NO_WATCHES
        return {"rescan": "200ms", "watching": "events"}

    return set_up


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A place on the same file system."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    return place


@contextlib.contextmanager
def another_file_system(than: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")  # noqa: S108 - the other file system that every Linux has
    if not memory.is_dir() or memory.stat().st_dev == than.stat().st_dev:
        pytest.skip("there is no other file system")
    with tempfile.TemporaryDirectory(dir=memory) as place:
        yield Path(place)


def video(path: Path, size: int = SIZE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(seeded(size, path.name))
    return path


# --- one after the other ------------------------------------------------------------------------------
# Each puts files into the folder and returns what is there in the end.


async def copied(drop: Path, elsewhere: Path) -> list[Path]:
    await shell("cp", video(elsewhere / "copied.mp4"), drop)
    return [drop / "copied.mp4"]


async def moved_in(drop: Path, elsewhere: Path) -> list[Path]:
    await shell("mv", video(elsewhere / "moved.mp4"), drop)
    return [drop / "moved.mp4"]


async def moved_from_another_file_system(drop: Path, _elsewhere: Path) -> list[Path]:
    with another_file_system(drop) as place:
        await shell("mv", video(place / "from memory.mp4"), drop)
    return [drop / "from memory.mp4"]


async def renamed_when_done(drop: Path, _elsewhere: Path) -> list[Path]:
    """As browsers and rsync do."""
    part = video(drop / "download.mp4.part")
    return [part.rename(drop / "download.mp4")]


async def grown_with_short_pauses(drop: Path, _elsewhere: Path) -> list[Path]:
    path = drop / "growing.mp4"
    await record(path, seeded(SIZE, "growing"), pieces=12, pause=0.1, mode="reopening")
    return [path]


async def moved_in_as_a_folder(drop: Path, elsewhere: Path) -> list[Path]:
    for name in ("a.mp4", "deep/b.mp4", "deep/er/c.mp4"):
        video(elsewhere / "season" / name)
    await shell("mv", elsewhere / "season", drop)
    return [drop / "season" / name for name in ("a.mp4", "deep/b.mp4", "deep/er/c.mp4")]


async def copied_as_a_tree(drop: Path, elsewhere: Path) -> list[Path]:
    names = [f"{day}/{hour}/clip-{day}-{hour}.mp4" for day in range(3) for hour in range(3)]
    for name in names:
        video(elsewhere / "week" / name, 40 * KB)
    await shell("cp", "-r", elsewhere / "week", drop)
    return [drop / "week" / name for name in names]


async def in_new_folders_in_new_folders(drop: Path, _elsewhere: Path) -> list[Path]:
    paths = []
    folder = drop
    for number in range(6):
        folder /= f"level-{number}"
        folder.mkdir()
        paths.append(video(folder / f"nested-{number}.mp4", 40 * KB))
    return paths


async def with_odd_times(drop: Path, _elsewhere: Path) -> list[Path]:
    """A clock that runs ahead, a camera without one, and what a broken file system makes of them."""
    now = time.time()
    times = [-86_400 * 365 * 10, -1, 0, 1, now - 10 * YEAR, now + 2 * 86_400, now + 10 * YEAR, 530 * YEAR]
    paths = []
    for number, moment in enumerate(times):
        path = video(drop / f"of another time {number}.mp4", 40 * KB)
        os.utime(path, (moment, moment))  # what the file system cannot keep, it keeps as near as it can
        paths.append(path)
    return paths


async def hard_linked(drop: Path, elsewhere: Path) -> list[Path]:
    path = drop / "linked.mp4"
    path.hardlink_to(video(elsewhere / "original.mp4"))
    return [path]


async def with_hostile_names(drop: Path, _elsewhere: Path) -> list[Path]:
    names = [
        "new\nline.mp4",
        "'quo\"tes'.mp4",
        "100% {{ stem }}.mp4",
        "{braces}.mp4",
        "\N{CLAPPER BOARD}.mp4",
    ]
    return [video(drop / name, 40 * KB) for name in [*names, "x" * 251 + ".mp4"]]


async def among_what_only_looks_like_videos(drop: Path, elsewhere: Path) -> list[Path]:
    os.mkfifo(drop / "pipe.mp4")
    (drop / "folder.mp4").mkdir()
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(drop):
        listener.bind("socket.mp4")
    (drop / "out.mp4").symlink_to(video(elsewhere / "outside.mp4"))
    (drop / "outdoors").symlink_to(elsewhere, target_is_directory=True)
    (drop / "dangling.mp4").symlink_to("nowhere.mp4")
    (drop / "round").symlink_to(drop, target_is_directory=True)
    inside = video(drop / "folder.mp4" / "inside.mp4")
    (drop / "in.mp4").symlink_to(inside)
    return [inside, video(drop / "plain.mp4")]


WAYS = [
    copied,
    moved_in,
    moved_from_another_file_system,
    renamed_when_done,
    grown_with_short_pauses,
    moved_in_as_a_folder,
    copied_as_a_tree,
    in_new_folders_in_new_folders,
    with_odd_times,
    hard_linked,
    with_hostile_names,
    among_what_only_looks_like_videos,
]


async def nothing_more_comes(emulator: Emulator, daemon: Daemon, files: list[Path]) -> None:
    """Whatever would be sent besides these has had its time once a file that was dropped later is there."""
    last = video(daemon.drop / "the last.mp4")
    await until(lambda: len(published(emulator.videos())) > len(files))
    assert_published_once(emulator.videos(), [*files, last], titles=False)


@pytest.mark.parametrize("drop", WAYS)
async def test_a_dropped_file_is_published_once_and_whole(
    start: Any, finding: Any, elsewhere: Path, drop: Callable[[Path, Path], Awaitable[list[Path]]]
) -> None:
    emulator, daemon = await start()
    # Only where its pauses matter has `settle` to be so much longer that a busy machine cannot blur them.
    settle = "2s" if drop is grown_with_short_pauses else "200ms"
    daemon.watch(settle=settle, **finding(daemon))
    async with daemon.staying():
        files = await drop(daemon.drop, elsewhere)
        await until(lambda: len(published(emulator.videos())) == len(files))
        await nothing_more_comes(emulator, daemon, files)
    assert all(states == ["published"] for states in (await daemon.states()).values())


async def test_a_file_that_a_writer_holds_open_is_taken_once_it_is_closed(start: Any, finding: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(settle="100ms", **finding(daemon))
    path = daemon.drop / "live.mp4"
    async with daemon.staying() as running:
        if running.told("folder.watched")[0]["writers"] != "are seen":
            pytest.skip("writers cannot be seen on this file system")
        await record(path, seeded(SIZE, "live"), pieces=4, pause=0.7, mode="holding")
        await until(lambda: published(emulator.videos()))
        await nothing_more_comes(emulator, daemon, [path])
        assert any("held open" in told["reason"] for told in running.told("file.waiting"))
    assert await daemon.states() == {"live.mp4": ["published"], "the last.mp4": ["published"]}


async def test_a_thousand_files_at_once_are_published_once_each(start: Any) -> None:
    emulator, daemon = await start(settings={"upload__workers": "8"})
    daemon.watch(settle="100ms", rescan=NEVER)
    async with daemon.staying() as running:
        files = [video(daemon.drop / f"clip-{number}.mp4", 17 * KB) for number in range(1000)]
        await until(lambda: running.count("upload.published") == 1000, within=100, every=0.5)
        await nothing_more_comes(emulator, daemon, files)


# --- while it is sent ---------------------------------------------------------------------------------


def replace(path: Path, daemon: Daemon) -> None:
    daemon.file(path.name, path.stat().st_size, seed="another")


def truncate(path: Path, _daemon: Daemon) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("change", [replace, truncate])
async def test_a_file_that_changes_while_it_is_sent_is_published_as_it_is_then(
    start: Any, finding: Any, change: Callable[[Path, Daemon], None]
) -> None:
    emulator, daemon = await start(bytes_per_second=SLOW, settings=SMALL)
    daemon.watch(settle="100ms", **finding(daemon))
    async with daemon.staying():
        path = video(daemon.drop / "changing.mp4", 1 * MB)
        await until(lambda: received(emulator) > 200 * KB)
        change(path, daemon)
        await until(lambda: published(emulator.videos()))
        await nothing_more_comes(emulator, daemon, [path])
    states = await daemon.states()
    assert states["changing.mp4"] == ["superseded", "published"]


async def test_a_file_that_is_deleted_while_it_is_sent_has_failed_and_the_rest_goes_on(
    start: Any, finding: Any
) -> None:
    emulator, daemon = await start(bytes_per_second=SLOW, settings=SMALL)
    daemon.watch(settle="100ms", **finding(daemon))
    async with daemon.staying() as running:
        path = video(daemon.drop / "deleted.mp4", 1 * MB)
        await until(lambda: received(emulator) > 200 * KB)
        path.unlink()
        await until(lambda: running.told("upload.failed"))
        await nothing_more_comes(emulator, daemon, [])
    assert (await daemon.states())["deleted.mp4"] == ["failed"]


# --- what breaks a watch ------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def kept_rewriting(path: bytes) -> AsyncIterator[None]:
    """A neighbour whose name is not UTF-8 and which is written again and again."""

    async def rewrite() -> None:
        while True:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.write(descriptor, b"more")
            os.close(descriptor)
            await asyncio.sleep(0.02)  # its own rhythm

    task = asyncio.create_task(rewrite())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_name_that_is_not_utf8_stops_nothing(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(settle="100ms", rescan=NEVER)
    restless = os.fsencode(daemon.drop) + b"/restless \xff.mp4"
    async with daemon.staying() as running, kept_rewriting(restless):
        [told] = await until(lambda: running.told("folder.no_events"))
        assert told["reason"].endswith("/restless \\xFF.mp4")
        assert told["hint"].startswith("rename it;")
        files = [video(daemon.drop / f"beside-{number}.mp4") for number in range(3)]
        await until(lambda: len(published(emulator.videos())) == 3)
        assert_published_once(emulator.videos(), files)
        assert running.count("folder.no_events") == 1


async def test_a_file_whose_name_is_not_utf8_is_published(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(settle="100ms", rescan=NEVER)
    async with daemon.staying():
        bad = Path(os.fsdecode(os.fsencode(daemon.drop) + b"/not utf-8 \xff.mp4"))
        files = [video(bad), video(daemon.drop / "beside.mp4")]
        await until(lambda: len(published(emulator.videos())) == 2)
        await nothing_more_comes(emulator, daemon, files)


async def test_a_watch_that_is_refused_is_told_once_and_scans_find_everything(start: Any) -> None:
    if not works(NO_WATCHES):
        pytest.skip("needs user namespaces")
    emulator, daemon = await start()
    daemon.within = NO_WATCHES
    daemon.watch(settle="0s", rescan="100ms")
    async with daemon.staying() as running:
        [told] = running.told("folder.watched")
        assert told["mode"] == "polling every 5 s: the kernel's limit of watches is reached"
        [told] = running.told("folder.no_events")
        assert "fs.inotify.max_user_watches" in told["hint"]
        files = [video(daemon.drop / "a.mp4")]
        await nothing_more_comes(emulator, daemon, files)
        assert running.count("folder.no_events") == 1


# --- folders that come and go -------------------------------------------------------------------------


async def test_a_folder_that_is_missing_is_waited_for(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(settle="0s", rescan="100ms")
    daemon.drop.rmdir()
    async with daemon.started("run") as running:
        await until(lambda: running.told("folder.away"))
        assert running.told("folder.away")[0]["code"] == "folder_missing"
        path = video(daemon.drop / "a.mp4")
        await until(lambda: published(emulator.videos()))
        assert running.count("folder.back") == 1
        assert running.count("folder.away") == 1
        assert_published_once(emulator.videos(), [path])
        shutil.rmtree(daemon.drop)
        await until(lambda: running.count("folder.away") == 2)
        path = video(daemon.drop / "b.mp4")
        await until(lambda: len(published(emulator.videos())) == 2)
    assert_no_litter(emulator.videos())


async def test_a_folder_without_its_marker_is_waited_for_and_nothing_in_it_is_given_up(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=SLOW, settings=SMALL)
    daemon.watch(settle="0s", rescan="100ms", marker=".okdrop-here", after="delete", delete_after="1s")
    marker = daemon.drop / ".okdrop-here"
    ended = await daemon.ends("run", "--once")
    assert (ended.code, "the marker .okdrop-here is not there" in ended.err) == (2, True)
    async with daemon.started("run") as running:
        await until(lambda: running.told("folder.away"))
        assert running.told("folder.away")[0]["code"] == "folder_unmarked"
        await running.tells("service.ready")
        path = video(daemon.drop / "a.mp4", 600 * KB)
        assert "the marker .okdrop-here is not there" in (await daemon.ends("check")).out
        assert "lacks its marker" in (await daemon.ends("explain", str(path))).out
        assert not emulator.videos()
        marker.touch()
        await until(lambda: received(emulator) > 200 * KB)
        # What a mount that goes away looks like: the marker and the file are not there.
        elsewhere = daemon.place / "elsewhere"
        marker.unlink()
        path.rename(elsewhere)
        await until(lambda: any(told["code"] == "source_away" for told in running.told("upload.trouble")))
        other = video(daemon.drop / "in the mount point.mp4", 40 * KB)
        await until(lambda: running.count("folder.away") == 2)
        elsewhere.rename(path)
        marker.touch()
        await until(lambda: len(published(emulator.videos())) == 2)
        assert len(emulator.videos()) == 2
        await until(lambda: not path.exists() and not other.exists())
        running.send(signal.SIGTERM)
        assert (await running.end()).code == 0


# --- mounts that come and go --------------------------------------------------------------------------

OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")


async def within_its_mounts(running: Running, *command: str | Path) -> None:
    number = str(running.process.pid)
    await shell("nsenter", "--preserve-credentials", "--target", number, "--user", "--mount", *command)


@pytest.mark.parametrize("in_its_place", [None, ".keep"])
async def test_an_upload_whose_disk_is_unmounted_goes_on_once_it_is_mounted_again(
    start: Any, in_its_place: str | None
) -> None:
    if not works(OWN_MOUNTS):
        pytest.skip("needs user namespaces")
    emulator, daemon = await start(bytes_per_second=SLOW, settings=SMALL)
    if in_its_place is not None:
        (daemon.drop / in_its_place).touch()
    with another_file_system(daemon.drop) as disk:
        path = video(disk / "on the disk.mp4", 1 * MB)
        mount = ("mount", "--bind", disk, daemon.drop)
        script = 'mount --bind "$0" "$1" && shift && exec "$@"'
        daemon.within = (*OWN_MOUNTS, "sh", "-c", script, str(disk), str(daemon.drop))
        daemon.watch(settle="0s", rescan="200ms")
        async with daemon.staying() as running:
            await until(lambda: received(emulator) > 200 * KB)
            await within_its_mounts(running, "umount", "--lazy", daemon.drop)
            await until(lambda: any(told["code"] == "source_away" for told in running.told("upload.trouble")))
            await until(lambda: running.told("folder.away"))
            assert running.told("folder.away")[0]["code"] == "folder_unmounted"
            assert not running.told("upload.failed")
            await within_its_mounts(running, *mount)
            await until(lambda: published(emulator.videos()))
            assert_published_once(emulator.videos(), [path])
            assert running.count("folder.back") == 1
    assert len(emulator.videos()) == 1


# --- what lay there before ----------------------------------------------------------------------------


@pytest.mark.parametrize("once", [True, False], ids=["run --once", "run"])
async def test_what_lay_there_before_the_first_start_is_not_sent_if_so_configured(
    start: Any, *, once: bool
) -> None:
    emulator, daemon = await start()
    daemon.watch(settle="0s", rescan="100ms", existing="ignore")
    before = [video(daemon.drop / f"before-{number}.mp4") for number in range(3)]
    if once:
        assert (await daemon.ends()).code == 0
    async with daemon.staying():
        later = video(daemon.drop / "later.mp4")
        await nothing_more_comes(emulator, daemon, [later])
    states = await daemon.states()
    assert [states[path.name] for path in before] == [["cancelled"]] * 3
    [wanted] = [row for row in (await daemon.status())["uploads"] if row["path"] == str(before[1])]
    assert (await daemon.ends("retry", str(wanted["id"]))).code == 0
    os.utime(before[0])  # which alone makes nothing public
    replaced = video(daemon.place / "replaced.mp4", 70 * KB).rename(before[2])
    async with daemon.staying():
        await until(lambda: len(published(emulator.videos())) == 4)
        after_all = video(daemon.drop / "after all.mp4")
        await until(lambda: len(published(emulator.videos())) == 5)
    last = daemon.drop / "the last.mp4"
    assert_published_once(emulator.videos(), [later, last, before[1], replaced, after_all])
    assert (await daemon.states())[before[0].name] == ["cancelled"]


async def test_a_new_folder_with_too_much_waits_for_a_person(start: Any) -> None:
    emulator, daemon = await start(settings={"intake__surge": "4"})
    daemon.watch(settle="0s", rescan="100ms")
    found = [video(daemon.drop / f"archive-{number}.mp4") for number in range(5)]
    async with daemon.staying() as running:
        [told] = running.told("folder.held")
        assert told["files"] == 5
        later = video(daemon.drop / "later.mp4")
        await nothing_more_comes(emulator, daemon, [later])
        uploads = (await daemon.status())["uploads"]
        assert sum(row["held"] for row in uploads) == 5
        assert "okdrop go" in (await daemon.ends("status")).out
        # Some are on OK.ru already; the rest is to be sent.
        adopted = await daemon.ends("adopt", str(found[0]), str(found[1]))
        assert adopted.code == 0, adopted.text
    assert len(published(emulator.videos())) == 2
    assert "released 3 uploads" in (await daemon.ends("go", str(daemon.drop))).out
    async with daemon.staying():
        await until(lambda: len(published(emulator.videos())) == 5)
    assert_published_once(emulator.videos(), [later, daemon.drop / "the last.mp4", *found[2:]])
    assert {*map(tuple, (await daemon.states()).values())} == {("published",)}


async def test_a_run_that_ends_holds_nothing(start: Any) -> None:
    emulator, daemon = await start(settings={"intake__surge": "1"})
    files = daemon.files([100 * KB] * 3)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)


async def test_adopted_files_are_not_sent_even_when_they_are_touched(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(settle="0s", rescan="100ms")
    adopted = [video(daemon.drop / "deep" / f"{number}.mp4") for number in range(3)]
    ended = await daemon.ends("adopt", str(daemon.drop))
    assert ended.code == 0, ended.text
    async with daemon.staying() as running:
        os.utime(adopted[0], ns=(1, 1))
        await until(lambda: running.told("upload.duplicate"))
        await nothing_more_comes(emulator, daemon, [])
    assert (await daemon.states())["0.mp4"] == ["published", "duplicate"]
