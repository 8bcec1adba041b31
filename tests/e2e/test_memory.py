"""How much memory the daemon takes does not depend on how much it sends, nor much on how much waits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.harness import MIB, assert_published_once, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from e2e.harness import Daemon, Running
    from okdrop.emulator import Emulator

SMALL, LARGE = 24 * MIB, 320 * MIB
ROOM = 24 * MIB
"""Bytes by which two peaks may differ, for whatever reason: a small part of what more is sent."""


def peak(running: Running) -> int:
    """The most memory that the process ever had in use, in bytes (proc(5), VmHWM)."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.parametrize("mode", ["renewable", "multipart"])
async def test_a_large_file_takes_no_more_memory_than_a_small_one(
    start: Callable[..., Awaitable[tuple[Emulator, Daemon]]], mode: str
) -> None:
    emulator, daemon = await start()
    daemon.set(upload__mode=mode, log__level="info")
    async with daemon.staying() as running:
        small = daemon.file("small.mp4", SMALL)
        await running.tells("upload.published")
        before = peak(running)
        large = daemon.place / "beside-large"
        with large.open("wb") as file:
            file.truncate(LARGE)  # a hole reads as zeros, and costs no disk on this side
        large = large.rename(daemon.drop / "large.mp4")
        await running.tells("upload.published", 2, within=100)
        after = peak(running)
    assert after - before < ROOM
    assert_published_once(emulator.videos(), [small, large])


async def test_files_that_wait_take_little_memory(
    start: Callable[..., Awaitable[tuple[Emulator, Daemon]]],
) -> None:
    """A thousand more of them: a few kilobytes each would be seen."""
    _, daemon = await start()
    daemon.set(ok__access_token="refused", log__level="info")
    async with daemon.staying() as running:
        daemon.file("first.mp4", 20_000)
        await running.tells("file.settled")
        before = peak(running)
        for number in range(1000):
            daemon.file(f"{number}.mp4", 20_000)
        await until(lambda: running.count("file.settled") == 1001)
        assert peak(running) - before < ROOM
