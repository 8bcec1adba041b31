"""A limit on what is sent, on the real process."""

from __future__ import annotations

import signal
import time
from typing import Any

from e2e.harness import KIB, MB, MIB, assert_published_once, received, until


async def test_a_limit_is_kept_and_is_no_stall(start: Any) -> None:
    settings = {"upload__bandwidth": "1MiB/s", "upload__stall_timeout": "300ms"}
    emulator, daemon = await start(settings=settings)
    files = daemon.files([1 * MB, 2 * MB])
    ended = await daemon.ends()
    assert ended.code == 0, ended.text
    assert_published_once(emulator.videos(), files)
    requests = [request for video in emulator.videos() for request in video["requests"]]
    took = max(one["at"] for one in requests) - min(one["began"] for one in requests)
    # At the begin and at the end a credit, and what every connection has in its hands.
    assert took >= 3 * MB / MIB - 0.5
    assert "upload.trouble" not in ended.text


async def test_a_drain_under_a_limit_ends_in_time_and_what_ok_holds_is_not_sent_again(start: Any) -> None:
    settings = {"upload__bandwidth": "64KiB/s", "upload__drain_timeout": "1s"}
    emulator, daemon = await start(settings=settings)
    files = daemon.files([5 * MB])
    async with daemon.started("run") as running:
        await until(lambda: received(emulator) > 100 * KIB)
        running.send(signal.SIGTERM)
        asked = time.monotonic()
        ended = await running.end(within=20)
    assert ended.code == 0, ended.text
    assert time.monotonic() - asked < 10, "the segments under way would have taken half a minute"
    daemon.set(upload__bandwidth="")
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)


async def test_a_folder_has_a_limit_of_its_own(start: Any) -> None:
    emulator, daemon = await start()
    daemon.watch(bandwidth="1MiB/s")
    files = daemon.files([2 * MB])
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    [video] = emulator.videos()
    took = max(one["at"] for one in video["requests"]) - min(one["began"] for one in video["requests"])
    assert took >= 2 * MB / MIB - 0.5
