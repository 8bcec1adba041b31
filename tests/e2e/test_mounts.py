"""Real mounts, each in a namespace of its own: what is dropped there is found, by events or by polling.

They are mounted where that is allowed: where users may have namespaces, with /dev/fuse and bindfs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, assert_published_once, published, seeded, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from e2e.harness import Daemon

NEVER = "1h"  # so that nothing but an event or a poll can have been the reason
WITHIN = ("setpriv", "--pdeathsig", "KILL", "unshare", "--user", "--map-root-user", "--mount")


def video(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(seeded(40 * KB, path.name))
    return path


def names_of_ours(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.name.startswith(".okdrop")]


@contextlib.asynccontextmanager
async def mounted(daemon: Daemon, kind: str, *command: str | Path) -> AsyncIterator[None]:
    """Have the daemon live where this mounts something on its folder, and stays; else it is skipped."""
    process = await asyncio.create_subprocess_exec(
        *WITHIN, *command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    mounts = Path(f"/proc/{process.pid}/mountinfo")

    def is_there() -> bool:
        lines = mounts.read_text().splitlines()
        return any(f" {daemon.drop} " in line and f" - {kind} " in line for line in lines)

    try:
        await until(lambda: process.returncode is not None or is_there())
        if process.returncode is not None:
            pytest.skip("nothing may be mounted here")
        target = ("--preserve-credentials", "--target", str(process.pid), "--user", "--mount")
        daemon.within = ("nsenter", *target)
        yield
    finally:
        daemon.within = ()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def bindfs(daemon: Daemon, behind: Path, *options: str) -> contextlib.AbstractAsyncContextManager[None]:
    """A FUSE mount: what is written behind it, nobody tells of, as if another machine had."""
    if shutil.which("bindfs") is None or not Path("/dev/fuse").exists():
        pytest.skip("needs bindfs and /dev/fuse")
    return mounted(daemon, "fuse", "bindfs", "-f", *options, behind, daemon.drop)


def overlay(daemon: Daemon, place: Path) -> contextlib.AbstractAsyncContextManager[None]:
    """What lies on top of each other, as in a container; the layers are on a file system that allows it."""
    layers = "for name in lower upper work; do mkdir -p $0/$name; done"
    mount = "mount -t overlay overlay -o userxattr,lowerdir=$0/lower,upperdir=$0/upper,workdir=$0/work $1"
    return mounted(daemon, "overlay", "sh", "-c", f"{layers}; {mount} && exec sleep 3600", place, daemon.drop)


@pytest.fixture
def behind(tmp_path: Path) -> Path:
    place = tmp_path / "behind"
    place.mkdir()
    return place


async def test_what_another_machine_writes_to_a_fuse_mount_is_found_by_polling(
    start: Any, behind: Path
) -> None:
    emulator, daemon = await start()
    daemon.watch(rescan=NEVER, poll="200ms")
    async with bindfs(daemon, behind), daemon.staying() as running:
        [told] = running.told("folder.watched")
        assert told["watching"] == "both"
        assert told["mode"].endswith("other machines may write here unseen (fuse)")
        files = [video(behind / "plain.mp4"), video(behind / "deep" / "er" / "nested.mp4")]
        (behind.parent / "season" / "one").mkdir(parents=True)
        video(behind.parent / "season" / "one" / "moved in.mp4")
        (behind.parent / "season").rename(behind / "season")
        files.append(behind / "season" / "one" / "moved in.mp4")
        await until(lambda: len(published(emulator.videos())) == 3)
        assert_published_once(emulator.videos(), files)
    assert not names_of_ours(behind)


async def test_a_fuse_mount_that_is_polled_alone_needs_no_events_and_lays_no_probe(
    start: Any, behind: Path
) -> None:
    emulator, daemon = await start()
    daemon.watch(rescan=NEVER, watching="poll", poll="200ms")
    async with bindfs(daemon, behind, "-r"), daemon.staying() as running:
        [told] = running.told("folder.watched")
        assert told["watching"] == "polling"
        files = [video(behind / "a.mp4")]
        await until(lambda: published(emulator.videos()))
        assert_published_once(emulator.videos(), files)


async def test_a_fuse_mount_that_may_only_be_read_is_watched_all_the_same(start: Any, behind: Path) -> None:
    """No probe can be laid; its type alone says that it has to be polled."""
    emulator, daemon = await start()
    daemon.watch(rescan=NEVER, poll="200ms")
    async with bindfs(daemon, behind, "-r"), daemon.staying() as running:
        assert running.told("folder.watched")[0]["watching"] in {"both", "polling"}
        files = [video(behind / "a.mp4")]
        await until(lambda: published(emulator.videos()))
        assert_published_once(emulator.videos(), files)


async def test_a_folder_of_a_container_is_watched_by_events(start: Any, tmp_path: Path) -> None:
    emulator, daemon = await start()
    daemon.watch(rescan=NEVER)
    async with overlay(daemon, tmp_path / "layers"), daemon.staying() as running:
        assert running.told("folder.watched")[0]["watching"] == "events"
        script = 'cp "$0" "$1" && mkdir "$1/new" && cp "$0" "$1/new/b.mp4"'
        sample = video(tmp_path / "a.mp4")
        process = await asyncio.create_subprocess_exec(
            *daemon.within, "sh", "-c", script, sample, daemon.drop
        )
        assert await process.wait() == 0
        await until(lambda: len(published(emulator.videos())) == 1 and running.told("upload.duplicate"))


async def test_a_trial_on_a_fuse_mount_tells_how_it_would_be_watched(start: Any, behind: Path) -> None:
    _, daemon = await start()
    async with bindfs(daemon, behind):
        ended = await daemon.ends("watch-test", str(daemon.drop), "--json")
    assert ended.code == 0, ended.text
    told = json.loads(ended.out)
    assert (told["file_system"], told["watching"], told["all_seen"]) == ("fuse", "both", True)
    assert {deed["seen_by"] for deed in told["deeds"]} == {"events"}
    assert not names_of_ours(behind)


async def test_a_trial_where_nothing_may_be_written_is_one_line(start: Any, behind: Path) -> None:
    _, daemon = await start()
    async with bindfs(daemon, behind, "-r"):
        ended = await daemon.ends("watch-test", str(daemon.drop))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert "a probe of ours cannot be created there: Read-only file system" in ended.err
