from __future__ import annotations

import asyncio
import hashlib
import itertools
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.talk import SIZE, Talk, content, segment_head, until
from okdrop.emulator import Emulator, Mode, Options

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_segments_in_any_order_are_told_with_each_answer(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    last = await talk.post(url, 60_000, SIZE)
    first = await talk.post(url, 0, 30_000)
    final = await talk.post(url, 30_000, 60_000)
    assert (last.status, last.text) == (201, f"60000-99999/{SIZE}")
    assert (first.status, first.text) == (201, f"0-29999/{SIZE},60000-99999/{SIZE}")
    assert (final.status, final.text) == (200, f"0-99999/{SIZE}")
    assert last.headers["Range"] == last.text
    account = talk.account(video_id)
    assert account["sha256"] == hashlib.sha256(content()).hexdigest()
    assert (account["received"], account["held_bytes_resent"], account["segments"]) == (SIZE, 0, 3)


async def test_an_open_end_is_all_the_rest(talk: Talk) -> None:
    _, url = await talk.ticket()
    await talk.post(url, 0, 40_000)
    answer = await talk.post(url, 40_000, SIZE, **{"Content-Range": f"bytes 40000-/{SIZE}"})
    assert answer.status == 200


async def test_several_segments_at_once_are_seen_as_such(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    raws = [await talk.raw(url, start, start + 25_000) for start in range(0, SIZE, 25_000)]
    await until(lambda: talk.account(video_id)["in_flight"] == 4)
    for number, raw in enumerate(raws):
        await raw.send(content()[number * 25_000 : (number + 1) * 25_000])
    assert sorted([await raw.status() for raw in raws]) == [200, 201, 201, 201]
    account = talk.account(video_id)
    assert (account["max_in_flight"], account["in_flight"]) == (4, 0)
    assert talk.emulator.summary()["max_in_flight"] == 4
    for raw in raws:
        await raw.leave()


async def test_the_account_is_that_of_the_moment(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    raw = await talk.raw(url, 0, SIZE)
    await raw.send(content()[:30_000])
    await until(lambda: talk.account(video_id)["held"] == 30_000)
    assert (await talk.status(url)).headers["Range"] == f"0-29999/{SIZE}"
    await raw.send(content()[30_000:])
    assert await raw.status() == 200
    await raw.leave()


@pytest.mark.parametrize(("keep", "held"), [(True, 30_000), (False, 0)])
async def test_what_came_before_a_cut_is_kept_or_not(
    start: Callable[..., Any], *, keep: bool, held: int
) -> None:
    talk = await start(keep_partial=keep)
    video_id, url = await talk.ticket()
    raw = await talk.raw(url, 0, SIZE)
    await raw.send(content()[:30_000])
    await until(lambda: talk.account(video_id)["received"] == 30_000)
    await raw.leave()
    await until(lambda: talk.account(video_id)["in_flight"] == 0)
    account = talk.account(video_id)
    assert account["held"] == held
    assert account["requests"][-1]["status"] == 0


async def test_bytes_sent_again_are_those_held_when_their_request_began(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    await talk.post(url, 10_000, 20_000)
    await talk.post(url, 15_000, 30_000)
    assert talk.account(video_id)["held_bytes_resent"] == 5_000
    one, other = await talk.raw(url, 50_000, 60_000), await talk.raw(url, 50_000, 60_000)
    await until(lambda: talk.account(video_id)["in_flight"] == 2)
    for raw in (one, other):
        await raw.send(content()[50_000:60_000])
        assert await raw.status() == 201
        await raw.leave()
    assert talk.account(video_id)["held_bytes_resent"] == 5_000


@given(cuts=st.lists(st.integers(1, SIZE - 1), max_size=6, unique=True), order=st.randoms())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_200_and_it_is_the_last_of_any_order(tmp_path_factory: Any, cuts: list[int], order: Any) -> None:
    edges = [0, *sorted(cuts), SIZE]
    spans = list(itertools.pairwise(edges))
    order.shuffle(spans)

    async def upload() -> tuple[list[int], str]:
        options = Options(data_dir=tmp_path_factory.mktemp("emulator"))
        async with Emulator(options) as emulator, aiohttp.ClientSession() as session:
            talk = Talk(emulator, session)
            video_id, url = await talk.ticket()
            statuses = [(await talk.post(url, *span)).status for span in spans]
            return statuses, talk.account(video_id)["sha256"]

    statuses, digest = asyncio.run(upload())
    assert statuses == [201] * (len(spans) - 1) + [200]
    assert digest == hashlib.sha256(content()).hexdigest()


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Content-Range": "bytes ten-twenty/100"}, 400),
        ({"Content-Range": "bytes 0-9999/99999"}, 400),
        ({"Content-Range": f"bytes 0-10000/{SIZE}"}, 416),
        ({"Content-Disposition": None}, 412),
        ({"Content-Range": None}, 412),
    ],
)
async def test_a_head_that_will_not_do(talk: Talk, changed: dict[str, str | None], status: int) -> None:
    video_id, url = await talk.ticket()
    headers = segment_head(0, 10_000, SIZE, parallel=True) | changed
    sent = {key: value for key, value in headers.items() if value is not None}
    answer = await talk.ask("POST", url, data=content()[:10_000], headers=sent)
    assert answer.status == status
    assert answer.headers["X-Reason"]
    assert (talk.account(video_id)["held"], talk.account(video_id)["received"]) == (0, 10_000)


async def test_a_length_is_wanted(talk: Talk) -> None:
    _, url = await talk.ticket()

    async def unknown() -> Any:
        yield content()[:10_000]

    headers = segment_head(0, 10_000, SIZE, parallel=True)
    assert (await talk.ask("POST", url, data=unknown(), headers=headers)).status == 411


async def test_a_url_is_compared_as_it_was_given(talk: Talk) -> None:
    _, url = await talk.ticket()
    for other in (url.replace("%2F", "/"), url.replace("%2B", "%2b"), url + "&x=1"):
        assert (await talk.status(other)).status == 403
        assert (await talk.post(other, 0, 10)).status == 403
    assert (await talk.status(url)).status == 404


async def test_a_url_expires(start: Callable[..., Any]) -> None:
    talk = await start(url_lifetime=-1.0)
    video_id, url = await talk.ticket()
    assert (await talk.status(url)).status == 403
    answer = await talk.post(url, 0, 10_000)
    assert (answer.status, answer.headers["X-Reason"]) == (403, "expired")
    assert talk.account(video_id)["held"] == 0


async def test_the_next_byte_only_where_the_mode_is_sequential(start: Callable[..., Any]) -> None:
    talk = await start(mode=Mode.SEQUENTIAL)
    video_id, url = await talk.ticket()
    assert "X-Last-Known-Byte" not in (await talk.post(url, 10, 20)).headers
    first = await talk.post(url, 0, 40_000)
    ahead = await talk.post(url, 50_000, SIZE)
    again = await talk.post(url, 0, 40_000)
    last = await talk.post(url, 40_000, SIZE)
    assert [answer.status for answer in (first, ahead, again, last)] == [201, 416, 416, 200]
    assert [answer.headers["X-Last-Known-Byte"] for answer in (first, ahead, again, last)] == [
        "39999",
        "39999",
        "39999",
        "99999",
    ]
    assert talk.account(video_id)["held_bytes_resent"] == 40_000
    assert talk.account(video_id)["whole"]


async def test_one_at_a_time_where_the_mode_is_sequential(start: Callable[..., Any]) -> None:
    talk = await start(mode=Mode.SEQUENTIAL)
    video_id, url = await talk.ticket()
    raw = await talk.raw(url, 0, SIZE)
    await raw.send(content()[:10_000])
    await until(lambda: talk.account(video_id)["held"] == 10_000)
    answer = await talk.post(url, 10_000, SIZE)
    assert (answer.status, answer.headers["X-Last-Known-Byte"]) == (416, "9999")
    await raw.leave()
    await until(lambda: talk.account(video_id)["in_flight"] == 0)
    assert (await talk.post(url, 10_000, SIZE)).status == 200


async def test_without_the_mode_header_the_parallel_server_is_sequential(talk: Talk) -> None:
    _, url = await talk.ticket()
    assert (await talk.post(url, 10, 20, parallel=False)).status == 416
    assert (await talk.post(url, 0, 10, parallel=False)).headers["X-Last-Known-Byte"] == "9"


async def test_a_post_without_a_body_asks_for_the_last_byte(talk: Talk) -> None:
    _, url = await talk.ticket()
    await talk.post(url, 0, 10)
    answer = await talk.ask("POST", url)
    assert (answer.status, answer.headers["X-Last-Known-Byte"]) == (201, "9")


async def test_the_bytes_are_taken_as_they_are_whatever_they_are_called(talk: Talk) -> None:
    video_id, url = await talk.ticket()
    assert (await talk.post(url, 0, SIZE, **{"Content-Encoding": "gzip"})).status == 200
    assert talk.account(video_id)["sha256"] == hashlib.sha256(content()).hexdigest()


async def test_a_connection_is_read_as_fast_as_was_said(start: Callable[..., Any]) -> None:
    talk = await start(bytes_per_second=200_000.0, latency=0.05)
    _, url = await talk.ticket()
    clock = asyncio.get_running_loop().time
    began = clock()
    await asyncio.gather(*(talk.post(url, first, first + 40_000) for first in (0, 40_000)))
    assert 0.24 < clock() - began < 2.0
