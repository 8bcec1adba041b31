"""Whole files in one request each, by the real process, in every weather; and changes of the mode."""

from __future__ import annotations

import random
import signal
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import (
    KB,
    MB,
    Account,
    assert_no_litter,
    assert_published_once,
    own_weather,
    received,
    sha256,
    until,
)

if TYPE_CHECKING:
    from okdrop.emulator import Emulator

ONE = {"upload__mode": "multipart"}
LIMIT = 2_000_000_000


def modes(accounts: list[Account]) -> set[str]:
    return {account["mode"] for account in accounts if account["published"]}


async def test_files_are_published_whole_and_once(start: Any) -> None:
    emulator, daemon = await start(settings=ONE)
    files = [*daemon.files([16 * 1024, 100 * KB, 5 * MB]), daemon.file(b'a"\xff\n\\;.mp4', 1 * MB)]
    ended = await daemon.ends()
    assert ended.code == 0, ended.text
    assert len(emulator.videos()) == len(files)
    assert {video["sha256"] for video in emulator.videos()} == {sha256(path) for path in files}
    assert {len(video["requests"]) for video in emulator.videos()} == {1}
    assert modes(emulator.videos()) == {"multipart"}
    [told] = ended.named("service.nothing_resumes")
    assert told["largest"] == LIMIT


WEATHER = (
    "cut_after_bytes:bytes=500000,times=3",
    "cut_after_bytes:bytes=0,times=2",
    "cut_after_bytes:times=2",
    "lost_answer:times=1",
    "error_500_before_storing:times=3",
    "error_500_after_storing:times=1",
    "error_503:retry_after=0,times=9",
    "expire_url:status=403,times=1",
    "expire_url:status=404,times=1",
    "url_dies_on_completion:status=404",
    "url_dies_on_completion:status=410,lose_answer=false",
    "refuse:status=413,times=2",
    "refuse:status=412,times=1",
    "refuse_416:times=2",
    "redirect:times=2",
    "garbage:kind=html,times=2,method=segment",
    "garbage:kind=error,times=2,method=segment",
    "garbage:kind=truncated,times=2,method=segment",
    "slow:rate=2000000",
    "latency:seconds=0.2",
)


async def test_in_every_weather_each_file_is_published_once(start: Any) -> None:
    emulator, daemon = await start(settings=ONE | {"upload__workers": "20"})
    files = daemon.files(1500 * KB + number for number in range(len(WEATHER)))
    async with own_weather(
        emulator, {file.name: [fault] for file, fault in zip(files, WEATHER, strict=True)}
    ):
        ended = await daemon.ends()
    assert ended.code == 0, ended.named("upload.failed")
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())
    assert modes(emulator.videos()) == {"multipart"}


@pytest.mark.parametrize(
    ("fault", "settings"),
    [
        ("stall:bytes=200000,times=1", {"upload__stall_timeout": "500ms"}),
        ("stall_answer:times=1", {"upload__answer_timeout": "500ms"}),
    ],
)
async def test_what_stalls_is_given_up_and_sent_anew(
    start: Any, fault: str, settings: dict[str, str]
) -> None:
    emulator, daemon = await start(fault, bytes_per_second=20 * MB, settings=ONE | settings)
    files = daemon.files([4 * MB])
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())


async def test_kills_publish_nothing_twice_and_nothing_half_sent(start: Any) -> None:
    emulator, daemon = await start(
        "lost_answer:times=1",
        "error_500_after_storing:times=1,after=2",
        bytes_per_second=4 * MB,
        settings=ONE,
    )
    files = daemon.files([1 * MB, 2 * MB, 3 * MB])
    chance = random.Random("multipart kills")
    for _ in range(4):
        before, more = received(emulator), int(chance.uniform(0.1, 2.5) * MB)
        async with daemon.started() as running:
            await until(lambda before=before, more=more: received(emulator) > before + more)
            assert (await running.kill()).code == -signal.SIGKILL
        await until(lambda: not emulator.summary()["in_flight"])
    emulator.faults.set("slow", rate=100 * MB)
    ended = await daemon.ends()
    assert ended.code == 0, ended.text
    assert_published_once(emulator.videos(), files)
    wholes = [video["name"] for video in emulator.videos() if video["whole"]]
    assert sorted(wholes) == sorted(file.name for file in files), "what OK has is never sent again"


async def test_a_kill_between_the_last_byte_and_the_answer_costs_a_question(start: Any) -> None:
    emulator, daemon = await start("stall_answer:method=segment", settings=ONE)
    files = daemon.files([2 * MB])
    async with daemon.started() as running:
        await until(lambda: any(video["whole"] for video in emulator.videos()))
        await running.kill()
    emulator.faults.clear()
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert len(emulator.videos()) == 1
    assert received(emulator) == 2 * MB


async def test_a_drain_that_is_cut_is_well_and_what_it_cut_starts_anew(start: Any) -> None:
    emulator, daemon = await start(
        bytes_per_second=200 * KB, settings=ONE | {"upload__drain_timeout": "300ms"}
    )
    files = daemon.files([2 * MB])
    async with daemon.started() as running:
        await until(lambda: received(emulator) > 50 * KB)
        running.send(signal.SIGTERM)
        assert (await running.end()).code == 0
    await until(lambda: not emulator.summary()["in_flight"])
    emulator.faults.set("slow", rate=100 * MB)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())


@pytest.mark.parametrize(("first", "then"), [("renewable", "multipart"), ("multipart", "renewable")])
async def test_the_mode_may_change_under_an_upload(start: Any, first: str, then: str) -> None:
    settings = {"upload__mode": first, "upload__segment_size": "64KiB"}
    emulator, daemon = await start(bytes_per_second=1 * MB, settings=settings)
    files = daemon.files([2 * MB, 3 * MB])
    async with daemon.started() as running:
        await until(lambda: sum(video["received"] > 200 * KB for video in emulator.videos()) == len(files))
        await running.kill()
    await until(lambda: not emulator.summary()["in_flight"])
    emulator.faults.set("slow", rate=100 * MB)
    daemon.set(upload__mode=then)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert_no_litter(emulator.videos())
    assert modes(emulator.videos()) == {then}
    refused = [row for video in emulator.videos() for row in video["requests"] if row["status"] == 415]
    assert refused == [], "no URL was used both ways"


@pytest.mark.parametrize(("first", "then"), [("renewable", "multipart"), ("multipart", "renewable")])
async def test_what_was_sent_whole_in_one_mode_is_not_sent_again_in_the_other(
    start: Any, first: str, then: str
) -> None:
    emulator, daemon = await start("stall_answer:method=segment", settings={"upload__mode": first})
    files = daemon.files([300 * KB])
    async with daemon.started() as running:
        if first == "multipart":
            await until(lambda: any(video["whole"] for video in emulator.videos()))
        else:
            await until(lambda: held(emulator) == 300 * KB)
        await running.kill()
    emulator.faults.clear()
    daemon.set(upload__mode=then)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert len(emulator.videos()) == 1
    assert received(emulator) == 300 * KB


def held(emulator: Emulator) -> int:
    return sum(video["held"] for video in emulator.videos())


async def test_cuts_without_end_fail_in_words_and_the_other_mode_mends_it(start: Any) -> None:
    emulator, daemon = await start("cut_after_bytes:bytes=100000", bytes_per_second=4 * MB, settings=ONE)
    files = daemon.files([2 * MB])
    assert (await daemon.ends()).code == 1
    [row] = (await daemon.status())["uploads"]
    assert row["failure"]["code"] == "ticket_expired"
    assert 'upload.mode = "renewable"' in row["failure"]["hint"]
    assert_no_litter(emulator.videos())
    daemon.set(upload__mode="renewable")
    emulator.faults.clear()
    assert (await daemon.ends("retry", "--failed")).code == 0
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)


async def test_a_file_over_the_limit_fails_at_once_and_the_others_go(start: Any) -> None:
    emulator, daemon = await start(settings=ONE)
    large = daemon.drop / "large.mp4"
    with large.open("wb") as file:
        file.truncate(LIMIT + 1)  # a hole; nothing of it is ever read
    files = daemon.files([200 * KB])
    ended = await daemon.ends()
    assert ended.code == 1
    [failed] = ended.named("upload.failed")
    assert failed["code"] == "file_too_large"
    assert "renewable" in failed["hint"]
    assert_published_once(emulator.videos(), files)
    assert len(emulator.videos()) == 1


async def test_check_says_what_the_mode_means(start: Any) -> None:
    _, daemon = await start(settings=ONE)
    ended = await daemon.ends("check")
    assert "ok    upload.mode: multipart: one request for each file, 2 GB at most" in ended.out
    daemon.set(upload__mode=None)
    assert "upload.mode" not in (await daemon.ends("check")).out
