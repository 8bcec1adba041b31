"""Whoever reads the log stalls: nothing waits for it, and signals end the process as always."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, MB, assert_published_once, published, received, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from e2e.harness import Daemon


def full_pipe() -> tuple[int, int]:
    """A pipe that takes no byte more until it is read."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writes, b"\n"):
            pass
    os.set_blocking(writes, True)
    return reads, writes


@contextlib.asynccontextmanager
async def stalled(daemon: Daemon, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """A command whose standard error nobody reads yet; and where it could be read."""
    reads, writes = full_pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "okdrop", *arguments),
        env=daemon.environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=writes,
    )
    os.close(writes)
    try:
        yield process, reads
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        os.close(reads)


@pytest.mark.parametrize("form", ["json", "console"])
async def test_a_daemon_goes_on_and_ends_at_a_signal(start: Any, form: str) -> None:
    emulator, daemon = await start(settings={"log__format": form})
    daemon.watch(rescan="100ms")
    files = daemon.files([100 * KB] * 3)
    async with stalled(daemon, "run") as (process, _):
        await until(lambda: len(published(emulator.videos())) == len(files))
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert_published_once(emulator.videos(), files)


async def test_a_reader_that_comes_back_finds_the_lines_in_order(start: Any) -> None:
    emulator, daemon = await start(settings={"log__format": "json"})
    daemon.watch(rescan="100ms")
    files = daemon.files([100 * KB])
    async with stalled(daemon, "run") as (process, reads):
        await until(lambda: len(published(emulator.videos())) == len(files))
        process.send_signal(signal.SIGTERM)
        text = await asyncio.to_thread(lambda: b"".join(iter(lambda: os.read(reads, 65536), b"")))
        assert await process.wait() == 0
    lines = [json.loads(line) for line in text.decode().splitlines() if line]
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)
    names = [line["event"] for line in lines]
    # The signal may come before the daemon has said what OK knows already.
    assert {"file.settled", "upload.published", "service.draining"} < {*names}
    assert (names[0], names[-1]) == ("service.started", "service.stopped")


async def test_an_interrupt_still_ends_an_upload(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=100 * KB, settings={"upload__segment_size": "64KiB"})
    file = daemon.file("a.mp4", 2 * MB)
    async with stalled(daemon, "upload", str(file)) as (process, _):
        await until(lambda: received(emulator) > 50 * KB)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 130
