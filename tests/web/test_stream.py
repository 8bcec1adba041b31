"""Events for whoever listens: nobody waits for a slow one, and silence is told of."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from okdrop import events
from okdrop.web import stream as streaming
from okdrop.web.stream import LISTENERS, QUEUE, Stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
LARGE = events.FileUnreadable(path="x" * 60_000, reason="")


@contextlib.asynccontextmanager
async def served(stream: Stream) -> AsyncIterator[str]:
    application = web.Application()
    application.add_routes(stream.routes())
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/events"
    finally:
        stream.close()
        await runner.cleanup()


@contextlib.asynccontextmanager
async def listening(url: str) -> AsyncIterator[aiohttp.ClientResponse]:
    async with aiohttp.ClientSession(read_bufsize=1024) as session, session.get(url) as answer:
        assert await answer.content.readuntil(b"\n\n") == b"retry: 2000\n\n"
        yield answer


async def test_everybody_gets_what_is_grave_enough_in_order() -> None:
    stream = Stream(lambda: AT)
    async with served(stream) as url, listening(f"{url}?level=warning") as some, listening(url) as most:
        stream.hear(events.OrphanDeleted(video_id="7"))
        stream.hear(events.SegmentStored(upload=1, start=0, stop=1, received=1, size=1))
        stream.hear(events.FileUnreadable(path="/a", reason="odd"))
        assert (await most.content.readuntil(b"\n\n")) == (
            b"id: 1\nevent: orphan.deleted\n"
            b'data: {"event": "orphan.deleted", "level": "info", "at": "2030-01-02T03:04:05.000Z",'
            b' "video_id": "7"}\n\n'
        )
        last = await most.content.readuntil(b"\n\n")
        assert last.startswith(b"id: 3\nevent: file.unreadable\n")
        assert await some.content.readuntil(b"\n\n") == last


async def test_silence_is_told_of() -> None:
    stream = Stream(lambda: AT, heartbeat=0.01)
    async with served(stream) as url, listening(url) as answer:
        assert await answer.content.readuntil(b"\n\n") == b": still here\n\n"


async def test_a_pulse_comes_when_something_moved_and_in_silence_and_counts_what_happened() -> None:
    speed = [7]
    stream = Stream(lambda: AT, look=lambda: {"speed": speed[0]}, heartbeat=0.5)
    async with served(stream) as url, listening(f"{url}?level=error&pulse=100") as answer:
        first = b'event: pulse\ndata: {"speed": 7, "events": 0}\n\n'
        assert await answer.content.readuntil(b"\n\n") == first
        assert await answer.content.readuntil(b"\n\n") == first  # nothing moved: in silence, then
        stream.hear(events.SegmentStored(upload=1, start=0, stop=1, received=1, size=1))
        stream.hear(events.OrphanDeleted(video_id="7"))
        assert b'"events": 1}' in await answer.content.readuntil(b"\n\n")
        stream.hear(events.ServiceCrashed(message="", traceback=""))
        assert b"service.crashed" in await answer.content.readuntil(b"\n\n")


async def test_one_who_reads_too_slowly_is_cut_and_the_others_are_not() -> None:
    stream = Stream(lambda: AT)
    async with served(stream) as url, listening(url) as slow, listening(f"{url}?level=error") as quick:
        while len(stream) == 2:
            for _ in range(QUEUE // 4):
                stream.hear(LARGE)
            await asyncio.sleep(0)
        with pytest.raises(aiohttp.ClientError):
            await slow.read()
        stream.hear(events.ServiceCrashed(message="", traceback=""))
        assert b"service.crashed" in await quick.content.readuntil(b"\n\n")


async def test_one_who_takes_nothing_for_a_while_is_cut() -> None:
    stream = Stream(lambda: AT, taken_within=0.05)
    async with served(stream) as url, listening(url) as slow:
        async with asyncio.timeout(30):
            while len(stream):
                if len(next(iter(stream._listeners)).queue._queue) < QUEUE // 2:  # type: ignore[attr-defined]
                    stream.hear(LARGE)
                await asyncio.sleep(0)
        with pytest.raises(aiohttp.ClientError):
            await slow.read()


async def test_where_as_many_listen_as_may_the_first_goes_for_one_more() -> None:
    stream = Stream(lambda: AT)
    async with served(stream) as url, contextlib.AsyncExitStack() as stack:
        first, second, *_ = [await stack.enter_async_context(listening(url)) for _ in range(LISTENERS)]
        last = await stack.enter_async_context(listening(url))
        assert len(stream) == LISTENERS
        with pytest.raises(aiohttp.ClientError):
            await first.read()
        stream.hear(events.OrphanDeleted(video_id="7"))
        for one in (second, last):
            assert b"orphan.deleted" in await one.content.readuntil(b"\n\n")


async def test_those_who_left_make_room_before_anybody_has_to_go() -> None:
    stream = Stream(lambda: AT)
    async with served(stream) as url, contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(listening(url))
        for _ in range(3):
            async with contextlib.AsyncExitStack() as others:
                for _ in range(LISTENERS - 1):
                    await others.enter_async_context(listening(url))
            async with asyncio.timeout(30):  # their ends are on the way
                while sum(not one.has_left for one in stream._listeners) > 1:  # noqa: ASYNC110
                    await asyncio.sleep(0)
        stream.hear(events.OrphanDeleted(video_id="7"))
        assert b"orphan.deleted" in await first.content.readuntil(b"\n\n")


async def test_nobody_listens_after_the_end() -> None:
    stream = Stream(lambda: AT)
    async with served(stream) as url, contextlib.AsyncExitStack() as stack:
        answers = [await stack.enter_async_context(listening(url)) for _ in range(3)]
        stream.close()
        assert [await answer.read() for answer in answers] == [b""] * 3
        with pytest.raises(streaming.RefusedError):
            await stream._listen(_request())


def _request() -> web.Request:
    from aiohttp.test_utils import make_mocked_request  # noqa: PLC0415

    return make_mocked_request("GET", "/api/events")


async def test_a_listener_that_leaves_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    stream = Stream(lambda: AT)
    async with served(stream) as url:
        async with listening(url) as answer:
            assert answer.connection is not None
            assert answer.connection.transport is not None
            answer.connection.transport.abort()
        async with asyncio.timeout(10):
            while len(stream):
                stream.hear(events.OrphanDeleted(video_id="7"))
                await asyncio.sleep(0)
    assert caplog.records == []
