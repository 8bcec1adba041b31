"""Files of the same bytes, by the real process: one video, whatever they are called, whenever they come."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import (
    KB,
    KIB,
    MB,
    MIB,
    assert_no_litter,
    assert_published_once,
    own_weather,
    published,
    received,
    sha256,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.harness import Daemon

SMALL = {"upload__segment_size": "64KiB"}
MULTIPART = {"upload__mode": "multipart"}


def copy(path: Path, daemon: Daemon, name: str) -> Path:
    """Another file of the same bytes, there from the first moment: another inode, another time."""
    beside = daemon.place / "beside"
    shutil.copyfile(path, beside)
    target = daemon.drop / name
    beside.rename(target)
    return target


def sent(accounts: list[dict[str, Any]]) -> int:
    return sum(account["received"] for account in accounts)


async def log_of(daemon: Daemon) -> dict[str, Any]:
    return {row["path"].rpartition("/")[2]: row for row in (await daemon.status())["uploads"]}


@pytest.mark.parametrize("settings", [SMALL, MULTIPART], ids=["renewable", "multipart"])
async def test_a_copy_after_publishing_is_not_sent(start: Any, settings: dict[str, str]) -> None:
    emulator, daemon = await start(settings=settings)
    [file] = daemon.files([2 * MB])
    assert (await daemon.ends()).code == 0
    before = received(emulator)
    copy(file, daemon, "copy.mp4")
    ended = await daemon.ends()
    assert ended.code == 0
    assert received(emulator) == before
    assert_published_once(emulator.videos(), [file])
    [told] = ended.named("upload.duplicate")
    rows = await log_of(daemon)
    assert told["of"] == rows[file.name]["id"] == rows["copy.mp4"]["duplicate_of"]
    assert rows["copy.mp4"]["state"] == "duplicate"


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_of_three_found_at_once_one_is_sent(start: Any, workers: str) -> None:
    emulator, daemon = await start(bytes_per_second=4 * MB, settings=SMALL | {"upload__workers": workers})
    [file] = daemon.files([2 * MB])
    copy(file, daemon, "copy-1.mp4")
    copy(file, daemon, "copy-2.mp4")
    ended = await daemon.ends()
    assert ended.code == 0, ended.text
    assert len(published(emulator.videos())) == len(emulator.videos()) == 1
    assert sent(emulator.videos()) == 2 * MB
    states = sorted(state for [state] in (await daemon.states()).values())
    assert states == ["duplicate", "duplicate", "published"]


@pytest.mark.parametrize("settings", [SMALL, MULTIPART], ids=["renewable", "multipart"])
async def test_a_copy_that_comes_while_the_first_is_sent_waits_for_it(
    start: Any, settings: dict[str, str]
) -> None:
    emulator, daemon = await start(bytes_per_second=1 * MB, settings=settings)
    [file] = daemon.files([2 * MB])
    async with daemon.staying() as running:
        await until(lambda: received(emulator) > 200 * KB)
        copy(file, daemon, "copy.mp4")
        await running.tells("upload.waits_for_twin")
        await running.tells("upload.duplicate")
    assert_published_once(emulator.videos(), [file])
    assert len(emulator.videos()) == 1


async def test_when_the_first_is_cancelled_the_second_goes_on(start: Any) -> None:
    emulator, daemon = await start(settings=SMALL)
    [file] = daemon.files([2 * MB])
    weather = own_weather(emulator, {file.name: ["slow:rate=50000"]})  # the first alone, and for long
    async with weather, daemon.staying() as running:
        await until(lambda: received(emulator) > 20 * KB)
        twin = copy(file, daemon, "copy.mp4")
        told = await running.tells("upload.waits_for_twin")
        assert (await daemon.ends("cancel", str(told["first"]))).code == 0
        await running.tells("upload.published")
    assert_published_once(emulator.videos(), [twin])


@pytest.mark.parametrize("settings", [SMALL, {}], ids=["small", "as it comes"])
async def test_killed_in_the_middle_the_copy_is_proven_all_the_same(
    start: Any, settings: dict[str, str]
) -> None:
    """Leaves that were kept count, those that were torn are read again."""
    emulator, daemon = await start(bytes_per_second=4 * MB, settings=settings)
    [file] = daemon.files([12 * MB])
    for point in (3 * MB, 7 * MB):
        async with daemon.started() as running:
            await until(lambda point=point: received(emulator) > point)
            await running.kill()
    copy(file, daemon, "copy.mp4")
    ended = await daemon.ends()
    assert ended.code == 0, ended.text
    assert_published_once(emulator.videos(), [file])
    assert len(ended.named("upload.duplicate")) == 1
    assert await daemon.states() == {file.name: ["published"], "copy.mp4": ["duplicate"]}


async def test_the_wait_survives_a_kill_and_can_be_seen(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=1 * MB, settings=SMALL)
    [file] = daemon.files([2 * MB])
    async with daemon.started("run") as running:
        await until(lambda: received(emulator) > 200 * KB)
        copy(file, daemon, "copy.mp4")
        told = await running.tells("upload.waits_for_twin")
        await running.kill()
    rows = await log_of(daemon)
    assert rows["copy.mp4"]["waits_for"] == told["first"] == rows[file.name]["id"]
    explained = await daemon.ends("explain", str(daemon.drop / "copy.mp4"))
    assert f"waits for the end of upload {told['first']}" in explained.out
    shown = await daemon.ends("show", str(told["upload"]))
    assert f"the end of upload {told['first']}" in shown.out
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), [file])
    assert len(emulator.videos()) == 1


async def test_a_file_that_was_moved_away_and_is_dropped_again_is_not_sent(start: Any) -> None:
    emulator, daemon = await start(settings=SMALL)
    kept = daemon.place / "kept"
    daemon.watch(after="move", move_to=str(kept))
    [file] = daemon.files([1 * MB])
    digest = sha256(file)
    assert (await daemon.ends()).code == 0
    assert not file.exists()
    before = received(emulator)
    shutil.copyfile(kept / file.name, file)
    assert (await daemon.ends()).code == 0
    assert received(emulator) == before
    assert len(published(emulator.videos())) == 1
    assert [sha256(path) for path in kept.iterdir()] == [digest] * 2


async def test_a_file_moved_to_another_file_system_is_not_sent_again(start: Any) -> None:
    """A new inode, a new device, and maybe a new time."""
    emulator, daemon = await start(settings=SMALL)
    [file] = daemon.files([1 * MB])
    assert (await daemon.ends()).code == 0
    before = received(emulator)
    (daemon.drop / "archive").mkdir()
    moved = copy(file, daemon, "archive/renamed.mp4")
    file.unlink()
    os.utime(moved, ns=(1, 1))
    assert (await daemon.ends()).code == 0
    assert received(emulator) == before
    assert len(published(emulator.videos())) == 1


@pytest.mark.parametrize("at", [0, 1 * MIB + 300 * KIB, 3 * MIB - 1])
async def test_one_other_byte_is_another_video(start: Any, at: int) -> None:
    """One of these is a place that no sample sees."""
    emulator, daemon = await start()
    file = daemon.file("a.mp4", 3 * MIB)
    other = copy(file, daemon, "b.mp4")
    with other.open("r+b") as writing:
        writing.seek(at)
        [byte] = writing.read(1)
        writing.seek(at)
        writing.write(bytes([byte ^ 1]))
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), [file, other])
    assert_no_litter(emulator.videos())


async def test_a_file_overwritten_under_its_name_is_a_new_video(start: Any) -> None:
    emulator, daemon = await start(settings=SMALL)
    file = daemon.file("a.mp4", 1 * MB)
    assert (await daemon.ends()).code == 0
    first = sha256(file)
    with file.open("r+b") as writing:
        writing.seek(500 * KB)
        writing.write(b"other")
    assert (await daemon.ends()).code == 0
    assert {video["sha256"] for video in published(emulator.videos())} == {first, sha256(file)}


async def test_recordings_of_one_size_on_one_inode_are_different_videos(start: Any) -> None:
    """A recorder that splits by size writes each into the file that was deleted before."""
    emulator, daemon = await start(settings=SMALL)
    hashes = set()
    spare = daemon.file("rec-000.mp4", 1 * MB, seed=0)
    inode, moment = spare.stat().st_ino, spare.stat().st_mtime_ns // 2_000_000_000 * 2_000_000_000
    for number in range(3):
        recording = daemon.drop / f"rec-{number:03}.mp4"
        if number:
            spare.rename(recording)  # what is written anew keeps the inode
            with recording.open("r+b") as writing:
                writing.write(os.urandom(1 * MB))
        os.utime(recording, ns=(moment, moment))  # a clock of two seconds, as FAT has it
        assert recording.stat().st_ino == inode
        assert (await daemon.ends()).code == 0
        hashes.add(sha256(recording))
        spare = recording
    assert {video["sha256"] for video in published(emulator.videos())} == hashes
    assert len(hashes) == 3


@pytest.mark.parametrize("fast", [False, True])
async def test_a_copy_of_what_was_adopted_is_not_sent(start: Any, *, fast: bool) -> None:
    emulator, daemon = await start(settings=SMALL)
    file = daemon.file("a.mp4", 1 * MB)
    assert (await daemon.ends("adopt", *(["--fast"] if fast else []), str(file))).code == 0
    copy(file, daemon, "b.mp4")
    assert (await daemon.ends()).code == 0
    assert received(emulator) == 0
    assert await daemon.states() == {"a.mp4": ["published"], "b.mp4": ["duplicate"]}


async def test_named_files_of_the_same_bytes_are_sent_once(start: Any) -> None:
    emulator, daemon = await start(settings=SMALL)
    beside = daemon.place / "named"
    beside.mkdir()
    files = [beside / name for name in ("a.mp4", "b.mp4")]
    for path in files:
        path.write_bytes(b"x" * MB)
    ended = await daemon.ends("upload", *map(str, files))
    assert ended.code == 0, ended.text
    assert len(published(emulator.videos())) == 1
    assert "the same bytes as upload" in ended.out
