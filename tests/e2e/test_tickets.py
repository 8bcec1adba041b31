from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.harness import KB, MB, assert_no_litter, assert_published_once

if TYPE_CHECKING:
    from typing import Any

SMALL = {"upload__segment_size": "256KiB"}


@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_a_url_that_dies_is_followed_by_another(start: Any, status: int) -> None:
    fault = f"expire_url:status={status},after=6,times=1"
    emulator, daemon = await start(fault, settings=SMALL, processing_looks=0)
    files = daemon.files([4 * MB])
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())
    assert [video["status"] for video in emulator.videos()] == ["DELETED", "PROCESSING"]


async def test_urls_that_die_for_ever_end_in_a_failure_that_says_so(start: Any) -> None:
    emulator, daemon = await start("expire_url:after=3", settings=SMALL)
    daemon.files([4 * MB])
    assert (await daemon.ends()).code == 1
    assert not emulator.summary()["published"]
    assert_no_litter(emulator.videos())
    assert emulator.summary()["calls"]["video.getUploadUrl"] == 5
    [row] = (await daemon.status())["uploads"]
    assert row["state"] == "failed"
    assert row["failure"]["code"] == "ticket_expired"
    assert row["failure"]["hint"]


@pytest.mark.parametrize("lose_answer", ["true", "false"])
@pytest.mark.parametrize("status", [403, 404])
async def test_a_url_that_dies_with_the_last_byte_costs_no_second_ticket(
    start: Any, status: int, lose_answer: str
) -> None:
    fault = f"url_dies_on_completion:status={status},lose_answer={lose_answer}"
    emulator, daemon = await start(fault, settings=SMALL)
    files = daemon.files([3 * MB])
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert len(emulator.videos()) == 1


ODD = [
    "early_200:times=3",
    "early_200",
    "never_200",
    "no_account",
    "no_account:times=1",
    "stale_account:segments=1,times=2",
    "stale_account:segments=2,times=3,method=segment",
    "wrong_account:kind=extra,times=2",
    "wrong_account:kind=less,times=2",
    "wrong_account:kind=less,times=2,method=segment",
    "wrong_account:kind=off-by-one,times=2",
    "wrong_total:times=2",
    "wrong_total:times=1,method=segment",
    "refuse_416:times=2,after=2",
    "refuse_416:times=3,after=2,last_known_byte=false",
    "refuse:status=413,times=1,after=3",
]


async def test_a_host_that_says_odd_things_gets_the_whole_file_nevertheless(start: Any, mode: Any) -> None:
    cut = "cut_after_bytes:times=3,bytes=100000,after=8"
    # One after the other, so that each oddity meets one upload; never more than ones own ticket.
    emulator, daemon = await start(mode=mode, settings=SMALL | {"upload__workers": "1"})
    files = []
    for number, fault in enumerate(ODD):
        from okdrop.emulator import Fault

        emulator.faults.clear()
        emulator.faults.add(Fault.parse(fault))
        emulator.faults.add(Fault.parse(cut))
        files.append(daemon.file(f"clip-{number}.mp4", 3 * MB + number))
        ended = await daemon.ends()
        before = [v for v in emulator.videos() if v["name"] == files[-1].name]
        print(fault, ended.code, [(v["status"], v["held_bytes_resent"], v["received"]) for v in before])
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())
