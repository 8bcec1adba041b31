from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, MB, assert_no_litter, assert_published_once, own_weather

if TYPE_CHECKING:
    from okdrop.emulator import Mode

SMALL = {"upload__segment_size": "256KiB", "upload__workers": "20"}


async def test_a_url_that_dies_is_followed_by_another(start: Any) -> None:
    emulator, daemon = await start(settings=SMALL, bytes_per_second=2 * MB)
    statuses = (400, 403, 404, 410)
    files = daemon.files(3 * MB + number for number in range(len(statuses)))
    weather = {
        file.name: [f"expire_url:status={status},after=5,times=1"]
        for file, status in zip(files, statuses, strict=True)
    }
    async with own_weather(emulator, weather):
        assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())
    dead = [video for video in emulator.videos() if video["url_dead"]]
    assert sorted(video["url_dead"] for video in dead) == list(statuses)
    assert {video["status"] for video in dead} == {"DELETED"}
    assert len(emulator.videos()) == 2 * len(files)


async def test_urls_that_die_for_ever_end_in_a_failure_that_says_so(start: Any) -> None:
    emulator, daemon = await start("expire_url:after=3", settings=SMALL)
    daemon.files([4 * MB])
    assert (await daemon.ends()).code == 1
    assert not emulator.summary()["published"]
    assert_no_litter(emulator.videos())
    assert len(emulator.videos()) == 5
    [row] = (await daemon.status())["uploads"]
    assert row["state"] == "failed"
    assert row["failure"]["code"] == "ticket_expired"
    assert row["failure"]["hint"]


async def test_a_url_that_dies_with_the_last_byte_costs_no_second_ticket(start: Any, mode: Mode) -> None:
    emulator, daemon = await start(mode=mode, settings=SMALL, bytes_per_second=2 * MB)
    deaths = [(status, lost) for status in (400, 403, 404, 410) for lost in ("true", "false")]
    files = daemon.files(2 * MB + number for number in range(len(deaths)))
    weather = {
        file.name: [f"url_dies_on_completion:status={status},lose_answer={lost}"]
        for file, (status, lost) in zip(files, deaths, strict=True)
    }
    async with own_weather(emulator, weather):
        assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert len(emulator.videos()) == len(files)


ODD = (
    "early_200:times=3",
    "early_200:times=-1",
    "never_200:times=-1",
    "no_account:times=-1",
    "no_account:times=1",
    "stale_account:segments=2,times=3,method=segment",
    "wrong_account:kind=extra,times=1",
    "wrong_account:kind=extra,times=2,method=segment",
    "wrong_account:kind=less,times=2,method=segment",
    "wrong_account:kind=off-by-one,times=2",
    "wrong_account:kind=off-by-one,times=2,method=segment",
    "wrong_total:times=2",
    "wrong_total:times=1,method=segment",
    "refuse_416:times=2,after=2",
    "refuse_416:times=3,after=2,last_known_byte=false",
    "refuse:status=413,times=1,after=3",
    "refuse:status=412,times=2,after=1",
    "redirect:times=2,after=2",
    "garbage:kind=html,times=2,method=segment",
)
CUTS = "cut_after_bytes:times=3,bytes=100000,after=3"


async def test_a_host_that_says_odd_things_gets_whole_files_nevertheless(start: Any, mode: Mode) -> None:
    emulator, daemon = await start(mode=mode, settings=SMALL, bytes_per_second=1 * MB)
    files = daemon.files(1500 * KB + number for number in range(len(ODD)))
    weather = {file.name: [fault, CUTS] for file, fault in zip(files, ODD, strict=True)}
    async with own_weather(emulator, weather):
        ended = await daemon.ends()
    assert ended.code == 0, ended.named("upload.failed")
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())


@pytest.mark.parametrize("fault", ["stale_account:segments=1,times=2", "wrong_account:kind=less,times=2"])
async def test_an_account_that_says_too_little_costs_what_it_leaves_out(
    start: Any, mode: Mode, fault: str
) -> None:
    # Bytes that no answer ever named may be sent again; those that one did, never (design, 2).
    emulator, daemon = await start(fault, CUTS, mode=mode, settings=SMALL, bytes_per_second=4 * MB)
    files = daemon.files([3 * MB])
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files, resent=3 * 100_000)
