from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import (
    KB,
    MB,
    Account,
    Daemon,
    EmulatorProcess,
    assert_published_once,
    own_weather,
    received,
    until,
)
from okdrop.emulator import FreshForm, Mode, StatusForm

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 12


async def test_twelve_kills_cost_no_byte_that_was_held(start: Any, mode: Mode) -> None:
    emulator, daemon = await start(mode=mode, bytes_per_second=6 * MB)
    files = daemon.files([1 * MB, 3 * MB, 4 * MB, 8 * MB])
    total, chance = 16 * MB, random.Random(f"kills:{mode}")
    for kill in range(KILLS):
        point = int(total * (kill + chance.random()) / (KILLS + 1))
        async with daemon.started() as running:
            await until(lambda point=point: received(emulator) > point)
            assert (await running.kill()).code == -signal.SIGKILL
    ended = await daemon.ends()
    assert ended.code == 0
    assert_published_once(emulator.videos(), files)
    # A ticket whose answer the kill took is never used: getUploadUrl is not idempotent (protocol.md 7.26).
    assert len([video for video in emulator.videos() if video["received"]]) == len(files)


async def test_both_sides_are_killed_in_turn(tmp_path: Path, mode: Mode) -> None:
    emulator = EmulatorProcess(tmp_path / "emulator", "slow:rate=6000000", mode=mode)
    total = 14 * MB
    async with emulator.started() as host:
        daemon = Daemon(tmp_path / "daemon", emulator.url)
        files = daemon.files([5 * MB, 9 * MB])
        async with daemon.started() as running:
            await held(daemon, total // 4)
            await host.kill()
            await until(lambda: '"upload.trouble"' in running.err())
            async with emulator.started() as host_again:
                await held(daemon, total // 2)
                await running.kill()
                await host_again.kill()
    async with emulator.started():
        assert (await daemon.ends()).code == 0
        assert_published_once(await emulator.ask("videos"), files)


async def held(daemon: Daemon, count: int) -> None:
    """Wait until a killed emulator's disk would have so many bytes."""
    data = daemon.place.parent / "emulator" / "ok" / "videos"
    await until(lambda: sum(path.stat().st_blocks for path in data.glob("*/data")) * 512 > count)


SMALL = {"upload__segment_size": "64KiB", "upload__workers": "20", "log__level": "info"}


async def test_every_form_of_an_account_is_understood_after_a_kill(start: Any, mode: Mode) -> None:
    emulator, daemon = await start(mode=mode, bytes_per_second=400 * KB, settings=SMALL)
    files = daemon.files(1500 * KB + number for number in range(len(StatusForm)))
    forms = {file.name: form for file, form in zip(files, StatusForm, strict=True)}
    async with (
        own_weather(emulator, {name: [f"status_form:form={form}"] for name, form in forms.items()}),
        daemon.started() as running,
    ):
        await until(lambda: len(emulator.videos()) == len(files))
        await until(lambda: all(video["held"] >= 150 * KB for video in emulator.videos()))
        await running.kill()
    await until(lambda: not emulator.summary()["in_flight"])
    before = {video["id"]: video for video in emulator.videos()}
    assert not any(video["whole"] for video in before.values())
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files, resent=2 * MB)
    for video in emulator.videos():
        untold = bytes_untold(forms[video["name"]], before[video["id"]]) if video["id"] in before else 0
        assert video["held_bytes_resent"] <= untold, forms[video["name"]]


def bytes_untold(form: StatusForm, video: Account) -> int:
    """How many held bytes an account in this form leaves out: only those may be sent again."""
    first = video["ranges"][0]
    prefix = first[1] if first[0] == 0 else 0
    match form:
        case StatusForm.EMPTY | StatusForm.UNKNOWN:
            return int(video["held"])
        case StatusForm.BODY | StatusForm.LAST_KNOWN_BYTE:
            return int(video["held"] - prefix)
        case StatusForm.INTEGER:
            return int(video["held"] - prefix + 1)  # a count or the last byte: the lower reading costs one
    return 0


async def test_a_kill_before_the_first_byte_costs_nothing(start: Any, mode: Mode) -> None:
    struck = 3 if mode is Mode.PARALLEL else 6  # where it is refused at once, the trial uses a stall up too
    emulator, daemon = await start(f"stall:times={struck},seconds=2", mode=mode, settings=SMALL)
    files = daemon.files(1 * MB + number for number in range(len(FreshForm)))
    forms = {file.name: [f"fresh_form:form={form}"] for file, form in zip(files, FreshForm, strict=True)}
    async with own_weather(emulator, forms), daemon.started() as running:
        await until(lambda: emulator.summary()["in_flight"] == len(files))
        await running.kill()
    await until(lambda: not emulator.summary()["in_flight"])
    assert not any(video["held"] for video in emulator.videos())
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)
    assert len(emulator.videos()) == len(files)


async def test_a_kill_while_publishing_publishes_once_and_sends_nothing(start: Any) -> None:
    emulator, daemon = await start("stall_answer:method=video.update")
    files = daemon.files([3 * MB])
    async with daemon.started() as running:
        await until(lambda: emulator.summary()["calls"].get("video.update"))
        await running.kill()
    emulator.faults.clear()
    before = received(emulator)
    assert (await daemon.ends()).code == 0
    assert received(emulator) == before
    assert_published_once(emulator.videos(), files)
    assert emulator.videos()[0]["updates"] == 2


async def test_sigterm_drains_to_a_segment_boundary(start: Any, mode: Mode) -> None:
    settings = {"upload__drain_timeout": "5s", "upload__segment_size": "1MiB"}
    emulator, daemon = await start(mode=mode, bytes_per_second=2 * MB, settings=settings)
    files = daemon.files([5 * MB, 6 * MB])
    async with daemon.started() as running:
        await until(lambda: received(emulator) > 2 * MB)
        asked = time.monotonic()
        running.send(signal.SIGTERM)
        ended = await running.end()
    assert ended.code == 0
    assert time.monotonic() - asked < 5
    assert "service.draining" in ended.err
    assert not emulator.summary()["in_flight"]
    assert all(row["status"] in (200, 201, 416) for video in emulator.videos() for row in video["requests"])
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)


async def test_a_drain_that_takes_too_long_is_cut_and_still_well(start: Any) -> None:
    emulator, daemon = await start(bytes_per_second=100 * KB, settings={"upload__drain_timeout": "500ms"})
    files = daemon.files([2 * MB])
    async with daemon.started() as running:
        await until(lambda: received(emulator) > 50 * KB)
        asked = time.monotonic()
        running.send(signal.SIGTERM)
        ended = await running.end()
    assert ended.code == 0
    assert time.monotonic() - asked < 2
    await until(lambda: not emulator.summary()["in_flight"])
    emulator.faults.set("slow", rate=100 * MB)
    assert (await daemon.ends()).code == 0
    assert_published_once(emulator.videos(), files)


@pytest.mark.parametrize(
    ("arguments", "signals"),
    [(("run", "--once"), [signal.SIGTERM, signal.SIGTERM]), (("upload", "clip-0.mp4"), [signal.SIGINT])],
)
async def test_being_cut_by_hand_is_130(start: Any, arguments: list[str], signals: list[Any]) -> None:
    emulator, daemon = await start(bytes_per_second=100 * KB)
    [file] = daemon.files([2 * MB])
    named = [str(file) if argument == file.name else argument for argument in arguments]
    async with daemon.started(*named) as running:
        await until(lambda: received(emulator) > 50 * KB)
        for number in signals[:-1]:
            running.send(number)
            await until(lambda: "service.draining" in running.err())
        running.send(signals[-1])
        assert (await running.end(within=5)).code == 130
