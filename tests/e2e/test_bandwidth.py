"""A limit on what is sent, on the real process."""

from __future__ import annotations

import signal
import time
from typing import Any

from e2e.harness import KB, KIB, MB, MIB, assert_published_once, published, received, until


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


async def test_a_limit_is_lifted_in_the_middle_of_a_segment_which_is_not_cut(start: Any) -> None:
    settings = {"upload__bandwidth": "64KiB/s", "upload__segment_size": "16MiB", "upload__connections": "1"}
    emulator, daemon = await start(settings=settings)
    files = daemon.files([40 * MB])  # ten minutes
    async with daemon.staying() as running:
        await until(lambda: received(emulator) > 400 * KIB)  # past the canary: in the first large segment
        assert (await daemon.ends("bandwidth", "off")).code == 0
        told = await running.tells("service.bandwidth_set")
        assert (told["folder"], told["limit"], told["by_hand"]) == ("", "off", True)
        await running.tells("upload.published")
        assert running.told("upload.trouble") == []
    assert_published_once(emulator.videos(), files)


async def test_a_limit_of_a_folder_holds_in_the_middle_of_a_segment_and_over_a_restart(start: Any) -> None:
    settings = {"upload__segment_size": "64MiB", "upload__connections": "1"}
    emulator, daemon = await start("slow:rate=200000", settings=settings)
    files = daemon.files([6 * MB])
    folder = ("--folder", str(daemon.drop))
    async with daemon.staying() as running:
        await until(lambda: received(emulator) > 200 * KB)
        assert (await daemon.ends("bandwidth", "16KiB/s", *folder)).code == 0
        await running.tells("service.bandwidth_set")
        emulator.faults.clear()  # nothing but the limit holds it up now
        assert running.told("upload.published") == []
    assert published(emulator.videos()) == []
    async with daemon.staying() as running:
        told = await running.tells("service.bandwidth_set")
        assert (told["folder"], told["limit"]) == (str(daemon.drop), "16KiB/s")
        assert (await daemon.ends("bandwidth", "reset", *folder)).code == 0
        await running.tells("upload.published")
    assert_published_once(emulator.videos(), files, resent=64 * MIB)


async def test_a_pause_stops_at_a_boundary_outlives_a_restart_and_costs_no_byte(start: Any) -> None:
    settings = {"upload__bandwidth": "1MiB/s", "upload__segment_size": "64KiB"}
    emulator, daemon = await start(settings=settings)
    files = daemon.files([4 * MB])
    async with daemon.staying() as running:
        await until(lambda: received(emulator) > 500 * KB)
        assert (await daemon.ends("pause")).code == 0
        await running.tells("service.paused")
    held = received(emulator)
    async with daemon.staying() as running:
        await running.tells("service.paused")
        files.append(daemon.file("later.mp4", 1 * MB))
        await running.tells("file.settled")
        assert running.told("upload.started") == []
        assert received(emulator) == held
        assert (await daemon.ends("resume")).code == 0
        await running.tells("upload.published", 2)
    assert_published_once(emulator.videos(), files)
