"""The running daemon and a ledger that cannot be written, locked or of another time."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, MB, assert_published_once, received, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = ("run",)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system may be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        for size in (64 * 1024, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
                    if size == 1 and os.statvfs(disk).f_bavail == 0:
                        break
    return filler


async def test_a_full_disk_holds_everything_up_and_loses_nothing(start: Any, small_disk: Path) -> None:
    emulator, daemon = await start(bytes_per_second=2 * MB, settings={"upload__segment_size": "256KiB"})
    daemon.watch(rescan="100ms")
    daemon.set(ledger__url=f"sqlite:///{small_disk / 'ledger.db'}")
    files = daemon.files([6 * MB])
    async with daemon.started(*RUN) as running:
        await until(lambda: received(emulator) > 1 * MB)
        filler = fill(small_disk)
        files.append(daemon.file("later.mp4", 300 * KB))
        stuck = await running.tells("ledger.stuck")
        assert (stuck["level"], stuck["code"]) == ("error", "ledger_disk")
        await until(lambda: not emulator.summary()["in_flight"])
        assert running.process.returncode is None
        filler.unlink()
        await running.tells("ledger.writable")
        await until(lambda: emulator.summary()["published"] == 2)
        running.send(signal.SIGTERM)
        ended = await running.end()
    assert ended.code == 0
    assert len(ended.named("ledger.stuck")) == len(ended.named("ledger.writable"))
    assert_published_once(emulator.videos(), files)


@pytest.fixture
def journalled_disk(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """An ext4 that the kernel makes read-only at its first error: the image, and where it is mounted."""
    image, place = tmp_path / "image", tmp_path / "journalled"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    made = subprocess.run(["mkfs.ext4", "-q", "-F", image], capture_output=True, check=False)
    if made.returncode or mount(image, place).returncode:
        pytest.skip("no file system may be made and mounted here")
    yield image, place
    subprocess.run(["umount", "--lazy", place], check=False)


def mount(image: Path, place: Path, options: str = "errors=remount-ro") -> subprocess.CompletedProcess[bytes]:
    command = ["mount", "-o", f"loop,{options}", image, place]
    return subprocess.run(command, capture_output=True, check=False)


def injure(place: Path) -> None:
    """Have the kernel meet an error on the file system, by its own switch for that."""
    device = os.stat(place).st_dev  # noqa: PTH116
    name = os.path.basename(os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"))  # noqa: PTH119
    switch = f"/sys/fs/ext4/{name}/trigger_fs_error"
    if not os.path.exists(switch):  # noqa: PTH110
        pytest.skip("this kernel has no switch for errors of ext4")
    with open(switch, "w") as file:  # noqa: PTH123
        file.write("injured by a test")


def heal(image: Path, place: Path) -> None:
    """What a person does about it."""
    subprocess.run(["umount", place], check=True)
    subprocess.run(["e2fsck", "-f", "-y", image], capture_output=True, check=False)
    assert mount(image, place).returncode == 0


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", place], check=True)


async def test_a_disk_that_the_kernel_makes_read_only_holds_everything_up_and_loses_nothing(
    start: Any, journalled_disk: tuple[Path, Path]
) -> None:
    image, place = journalled_disk
    emulator, daemon = await start(bytes_per_second=2 * MB, settings={"upload__segment_size": "256KiB"})
    daemon.set(ledger__url=f"sqlite:///{place / 'ledger.db'}")
    files = daemon.files([6 * MB])
    async with daemon.started(*RUN) as running:
        await until(lambda: received(emulator) > 1 * MB)
        injure(place)
        stuck = await running.tells("ledger.stuck")
        assert (stuck["level"], stuck["code"]) == ("error", "ledger_disk")
        await until(lambda: not emulator.summary()["in_flight"])
        assert running.process.returncode is None
        assert not emulator.summary()["published"]
        running.send(signal.SIGTERM)
        assert (await running.end(within=20)).code == 0
    ended = await daemon.ends()
    assert (ended.code, "Traceback" in ended.text) == (2, False)
    assert "okdrop: the ledger" in ended.err
    heal(image, place)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert len(emulator.videos()) == 1


async def test_a_ledger_on_a_read_only_disk_is_one_line_and_2_and_nothing_is_asked_for(
    start: Any, small_disk: Path
) -> None:
    emulator, daemon = await start()
    daemon.set(ledger__url=f"sqlite:///{small_disk / 'ledger.db'}")
    daemon.files([300 * KB])
    assert (await daemon.ends()).code == 0
    later = daemon.file("later.mp4", 300 * KB)
    remount(small_disk, "ro")
    for command in (RUN, ("run", "--once")):
        ended = await daemon.ends(*command)
        assert (ended.code, "Traceback" in ended.text) == (2, False), ended.text
        (line,) = [line for line in ended.err.splitlines() if not line.startswith("{")]
        assert line.startswith("okdrop: the ledger"), line
    assert len(emulator.videos()) == 1
    remount(small_disk, "rw")
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), [later], others=1)


async def test_a_drain_is_not_held_up_by_a_full_disk(start: Any, small_disk: Path) -> None:
    emulator, daemon = await start(bytes_per_second=1 * MB, settings={"upload__drain_timeout": "1s"})
    daemon.set(ledger__url=f"sqlite:///{small_disk / 'ledger.db'}")
    files = daemon.files([12 * MB])
    async with daemon.started(*RUN) as running:
        await until(lambda: received(emulator) > 1 * MB)
        filler = fill(small_disk)
        await running.tells("ledger.stuck")
        running.send(signal.SIGTERM)
        assert (await running.end(within=5)).code == 0
    filler.unlink()
    await until(lambda: not emulator.summary()["in_flight"])
    emulator.faults.set("slow", rate=100 * MB)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)


@pytest.mark.parametrize("command", [("run",), ("run", "--once")])
async def test_a_locked_ledger_is_one_line_and_2(start: Any, command: tuple[str, ...]) -> None:
    _, daemon = await start()
    async with daemon.started(*RUN) as running:
        await running.tells("service.ready")
        ended = await daemon.ends(*command)
        running.send(signal.SIGTERM)
        assert (await running.end()).code == 0
    assert ended.code == 2
    (line,) = [line for line in ended.err.splitlines() if not line.startswith("{")]
    assert line.startswith(
        f"okdrop: the ledger is in use by another okdrop (process {running.process.pid}); wait until"
    )


async def test_a_ledger_of_a_newer_version_is_one_line_and_2(start: Any) -> None:
    _, daemon = await start()
    assert (await daemon.ends()).code == 0
    with contextlib.closing(sqlite3.connect(daemon.ledger)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'r9999'")
    ended = await daemon.ends(*RUN)
    assert ended.code == 2
    (line,) = [line for line in ended.err.splitlines() if not line.startswith("{")]
    assert line.startswith("okdrop: ")
    assert "Traceback" not in ended.text
    assert daemon.ledger.exists()
