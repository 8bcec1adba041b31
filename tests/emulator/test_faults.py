"""Each fault of the upload host, as a client meets it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from emulator.talk import SIZE, content, until
from okdrop.emulator import Fault, Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.talk import Talk

LOST = (aiohttp.ClientConnectionError, ConnectionError)


async def test_a_cut_keeps_what_came_before_it(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    with talk.emulator.faults.active("cut_after_bytes", bytes=10_000, times=1) as fault:
        with pytest.raises(LOST):
            await talk.post(url, 0, SIZE)
        assert talk.account(video_id)["held"] == 10_000
        assert (await talk.post(url, 10_000, SIZE)).status == 200
    assert fault.fired == 1
    assert talk.account(video_id)["held_bytes_resent"] == 0


async def test_a_cut_somewhere_is_before_the_last_byte(talk: Talk) -> None:
    for _ in range(5):
        video_id, url = await talk.ticket()
        with talk.emulator.faults.active("cut_after_bytes"), pytest.raises(LOST):
            await talk.post(url, 0, 10)
        assert 0 <= talk.account(video_id)["held"] < 10


async def test_a_cut_is_a_reset_and_nothing_to_complain_of(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    _, url = await talk.ticket()
    with talk.emulator.faults.active("lost_answer"):
        raw = await talk.raw(url, 0, 10_000)
        await raw.send(content()[:10_000])
        with pytest.raises(ConnectionResetError):
            await raw.status()
    assert not caplog.records


async def test_a_lost_answer_loses_no_byte(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    with talk.emulator.faults.active("lost_answer"), pytest.raises(LOST):
        await talk.post(url, 0, 10_000)
    assert talk.account(video_id)["held"] == 10_000


@pytest.mark.parametrize(
    ("name", "values", "status", "held"),
    [
        ("error_500_before_storing", {}, 500, 0),
        ("error_500_after_storing", {}, 500, 10_000),
        ("error_503", {"retry_after": 3}, 503, 0),
        ("refuse_416", {}, 416, 0),
        ("refuse", {"status": 413}, 413, 0),
        ("redirect", {"status": 307}, 307, 0),
        ("garbage", {"method": "segment"}, 200, 0),
        ("early_200", {}, 200, 10_000),
        ("no_account", {}, 201, 10_000),
    ],
)
async def test_a_wrong_answer(talk: Talk, name: str, values: dict[str, Any], status: int, held: int) -> None:
    video_id, url = await talk.ticket()
    with talk.emulator.faults.active(name, **values):
        answer = await talk.post(url, 0, 10_000)
    assert answer.status == status
    assert talk.account(video_id)["held"] == held
    assert talk.account(video_id)["received"] == 10_000
    assert answer.headers.get("Retry-After") == ("3" if status == 503 else None)
    assert "Range" not in answer.headers or name == "early_200"


async def test_a_refusal_comes_before_the_body(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    with talk.emulator.faults.active("refuse_416"):
        raw = await talk.raw(url, 0, SIZE)
        assert await raw.status() == 416
        await raw.send(content()[:10_000])
        await until(lambda: talk.account(video_id)["received"] == 10_000)
        await raw.leave()


@pytest.mark.parametrize("told", [True, False])
async def test_416_with_and_without_the_last_byte(talk: Talk, *, told: bool) -> None:
    _, url = await talk.ticket()
    await talk.post(url, 0, 10_000)
    with talk.emulator.faults.active("refuse_416", last_known_byte=told):
        answer = await talk.post(url, 10_000, 20_000)
    assert answer.headers.get("X-Last-Known-Byte") == ("9999" if told else None)


@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_a_dead_url_stays_dead(talk: Talk, status: int) -> None:
    video_id, url = await talk.ticket()
    with talk.emulator.faults.active("expire_url", status=status, after=1):
        assert (await talk.post(url, 0, 10_000)).status == 201
        assert (await talk.post(url, 10_000, 20_000)).status == status
    assert (await talk.post(url, 10_000, 20_000)).status == status
    assert (await talk.status(url)).status == status
    assert talk.account(video_id)["url_dead"] == status


async def test_a_url_dies_on_completion_with_its_answer(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    with talk.emulator.faults.active("url_dies_on_completion", status=410):
        assert (await talk.post(url, 0, 10_000)).status == 201
        with pytest.raises(LOST):
            await talk.post(url, 10_000, SIZE)
    assert (await talk.status(url)).status == 410
    assert talk.account(video_id)["whole"]
    assert (await talk.call("video.get", vids=video_id)).json["videos"][0]["status"] == "PROCESSING"


async def test_a_url_dies_on_completion_and_says_so(talk: Talk) -> None:
    _, url = await talk.ticket()
    with talk.emulator.faults.active("url_dies_on_completion", lose_answer=False):
        assert (await talk.post(url, 0, SIZE)).status == 200
    assert (await talk.status(url)).status == 404


async def test_the_final_answer_may_be_no_200(talk: Talk) -> None:
    _, url = await talk.ticket()
    with talk.emulator.faults.active("never_200"):
        assert (await talk.post(url, 0, SIZE)).status == 201


@pytest.mark.parametrize("mode", Mode)
async def test_a_stall_takes_nothing_more_and_gives_its_turn_away(
    start: Callable[..., Any], mode: Mode
) -> None:
    talk = await start(mode=mode)
    video_id, url = await talk.ticket()
    with talk.emulator.faults.active("stall", bytes=10_000, times=1):
        raw = await talk.raw(url, 0, SIZE)
        await raw.send(content()[:50_000])
        await until(lambda: talk.account(video_id)["held"] == 10_000)
        assert (await talk.post(url, 10_000, SIZE)).status == 200
    await raw.leave()
    await until(lambda: talk.account(video_id)["in_flight"] == 0)
    assert talk.account(video_id)["received"] == SIZE


async def test_a_stall_is_felt_by_the_sender(talk: Talk) -> None:
    size = 32 << 20
    _, url = await talk.ticket(size)
    with talk.emulator.faults.active("stall"):
        raw = await talk.raw(url, 0, size, size=size)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(raw.send(bytes(size)), 0.3)
        assert raw.unsent > size // 2
        await raw.leave()


async def test_a_stall_ends_with_a_cut_after_its_time(talk: Talk) -> None:
    _, url = await talk.ticket()
    with talk.emulator.faults.active("stall", seconds=0.05), pytest.raises(LOST):
        await talk.post(url, 0, SIZE)


async def test_an_answer_that_never_comes_was_earned(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    with talk.emulator.faults.active("stall_answer"):
        raw = await talk.raw(url, 0, SIZE)
        await raw.send(content())
        await until(lambda: talk.account(video_id)["whole"])
        assert talk.account(video_id)["in_flight"] == 1
        await raw.leave()
        await until(lambda: talk.account(video_id)["in_flight"] == 0)


async def test_the_api_can_keep_its_answer_back(talk: Talk) -> None:
    silence = talk.emulator.faults.active("stall_answer", method="video.getUploadUrl", seconds=0.05)
    with silence, pytest.raises(LOST):
        await talk.ticket()
    assert len(talk.emulator.videos()) == 1


async def test_slow_and_late(talk: Talk) -> None:
    _, url = await talk.ticket()
    clock = asyncio.get_running_loop().time
    for name, values in (("slow", {"rate": 100_000.0}), ("latency", {"seconds": 0.1, "method": "segment"})):
        began = clock()
        with talk.emulator.faults.active(name, **values):
            await talk.post(url, 0, 10_000)
        assert 0.09 < clock() - began < 2.0


async def test_a_refusal_takes_its_time_too(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    clock = asyncio.get_running_loop().time
    faults = talk.emulator.faults
    with faults.active("latency", seconds=0.1), faults.active("error_503", method="api"):
        for answer in (talk.post(url, 5, 1), talk.status(url + "&x"), talk.call("video.get", vids=video_id)):
            began = clock()
            assert (await answer).status >= 400
            assert clock() - began > 0.09


async def test_a_fault_can_be_aimed_at_one_video(talk: Talk) -> None:
    (_, one), (aimed, other) = await talk.ticket(), await talk.ticket()
    with talk.emulator.faults.active("error_500_before_storing", video=aimed):
        assert (await talk.post(one, 0, 10)).status == 201
        assert (await talk.post(other, 0, 10)).status == 500


async def test_faults_can_be_on_from_the_start(start: Callable[..., Any]) -> None:
    talk = await start(faults=(Fault.parse("error_503:method=video.get"),))
    assert (await talk.call("video.get", vids="1")).status == 503
