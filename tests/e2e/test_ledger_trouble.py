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
