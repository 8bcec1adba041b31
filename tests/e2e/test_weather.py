from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.harness import KB, MB, MIB, assert_published_once
from okdrop.emulator import Mode

if TYPE_CHECKING:
    from typing import Any

SIZES = (20 * KB, 65_536, 300 * KB, 1 * MB, 2 * MIB, 2 * MIB + 1, 5 * MB, 9 * MB, 17 * MB, 60 * MB)

FOUL = (
    "cut_after_bytes:probability=0.15",
    "lost_answer:probability=0.08",
    "error_500_before_storing:probability=0.05,method=segment",
    "error_500_after_storing:probability=0.05,method=segment",
    "error_503:probability=0.03,retry_after=0",
    "error_500_before_storing:probability=0.1,method=status",
    "api_error:code=2,probability=0.1",
    "api_error:code=8,times=3",
    "api_error:code=100,method=video.update,times=3,after=2",
    "lost_api_answer:method=video.update,times=2",
    "lost_api_answer:method=video.getUploadUrl,times=2,after=3",
    "error_503:method=api,retry_after=0,times=2,after=5",
    "garbage:kind=html,times=2,after=7",
)


async def test_ten_files_in_foul_weather_are_published_once_byte_for_byte(start: Any, mode: Mode) -> None:
    # Without a limit on its size a segment on loopback soon holds a whole file, and little can go wrong.
    emulator, daemon = await start(*FOUL, mode=mode, settings={"upload__segment_size": "2MiB"})
    files = daemon.files(SIZES)
    ended = await daemon.ends()
    assert ended.code == 0, ended.err[-2000:]
    assert_published_once(emulator.videos(), files)
    assert {fault["name"] for fault in emulator.faults.plain() if not fault["fired"]} == set()


async def test_an_upload_has_four_segments_in_flight_where_the_host_allows_it(start: Any, mode: Mode) -> None:
    emulator, daemon = await start(mode=mode, latency=0.02)
    files = daemon.files([40 * MB])
    assert (await daemon.ends()).code == 0
    [video] = emulator.videos()
    assert video["max_in_flight"] in (range(4, 17) if mode is Mode.PARALLEL else [1])
    assert_published_once([video], files)


@pytest.mark.parametrize("fault", ["stall:bytes=100000,times=2,after=2", "stall_answer:times=2,after=2"])
async def test_a_stalled_line_is_given_up_and_the_upload_goes_on(start: Any, fault: str) -> None:
    settings = {"upload__stall_timeout": "300ms", "upload__answer_timeout": "500ms"}
    emulator, daemon = await start(fault, settings=settings)
    files = daemon.files([20 * MB])
    ended = await daemon.ends(within=30)
    assert ended.code == 0, ended.err[-2000:]
    assert emulator.faults.plain()[0]["fired"] == 2
    assert_published_once(emulator.videos(), files)


async def test_a_slow_line_is_not_a_stalled_one(start: Any) -> None:
    # Longer than the stall timeout for the whole, and never silent for as long.
    settings = {"upload__stall_timeout": "1s", "upload__answer_timeout": "1s"}
    emulator, daemon = await start(bytes_per_second=64 * KB, settings=settings)
    files = daemon.files([250 * KB])
    ended = await daemon.ends()
    assert ended.code == 0
    assert ended.named("upload.trouble") == []
    assert_published_once(emulator.videos(), files)
    assert emulator.videos()[0]["segments"] <= 3
