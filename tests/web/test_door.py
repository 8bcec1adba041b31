"""Whoever comes last is let in; who holds a place and asks nothing gives it up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest
from aiohttp import web

from okdrop.web import door
from okdrop.web.door import SHARE, Connections
from okdrop.web.guard import AUTHORISED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Place:
    """A server behind a door, whose answers wait until they are let go."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.port = 0
        self.asked = asyncio.Semaphore(0)
        self.go = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        request[AUTHORISED] = request.path == "/authorised"
        self.asked.release()
        await self.go.wait()
        return web.Response(text="well")

    async def connect(self, stack: contextlib.AsyncExitStack, path: str = "") -> Pair:
        """A connection that asks for a path, and has it heard; or nothing."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        stack.callback(writer.close)
        if path:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            await self.asked.acquire()
        return reader, writer


@contextlib.asynccontextmanager
async def opened(first_within: float = 1000.0) -> AsyncIterator[Place]:
    place = Place(Connections(time.monotonic, first_within=first_within))
    application = web.Application(middlewares=[place.connections.note])
    application.router.add_get("/{path}", place.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    assert runner.server is not None
    made = runner.server
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: place.connections.door(made), "127.0.0.1", 0)
    place.port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(30):
            yield place
    finally:
        server.close()
        await runner.cleanup()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "AT_MOST", 3)


async def test_the_longest_without_a_word_goes_for_the_last_that_comes() -> None:
    async with opened() as place, contextlib.AsyncExitStack() as stack:
        place.go.set()
        first, second, _ = [await place.connect(stack) for _ in range(3)]
        first[1].write(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")  # the second is the longest idle now
        assert b" 200 " in await first[0].readline()
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{place.port}/y") as answer,
        ):
            assert answer.status == 200
        assert await second[0].read() == b""
        assert len(place.connections) == 3
        assert not first[0].at_eof()


async def test_who_showed_the_token_stays_and_who_did_not_goes() -> None:
    async with opened() as place, contextlib.AsyncExitStack() as stack:
        kept = await place.connect(stack, "/authorised")
        other = await place.connect(stack, "/stranger")
        await place.connect(stack, "/authorised")
        await place.connect(stack, "/authorised")
        assert await other[0].read() == b""
        turned_away = await place.connect(stack)
        assert await turned_away[0].read() == b""
        place.go.set()
        assert b" 200 " in await kept[0].readline()


async def test_one_that_left_takes_no_place() -> None:
    async with opened() as place, contextlib.AsyncExitStack() as stack:
        kept = await place.connect(stack, "/authorised")
        for _ in range(2):
            _, gone = await place.connect(stack, "/authorised")
            gone.transport.abort()
        place.go.set()
        assert b" 200 " in await kept[0].readline()
        for _ in range(2):
            await place.connect(stack, "/authorised")
        assert not kept[0].at_eof()


async def test_one_that_asks_nothing_goes_though_there_is_room() -> None:
    async with opened(first_within=0.05) as place, contextlib.AsyncExitStack() as stack:
        reader, writer = await place.connect(stack)
        writer.write(b"GET /authorised HTTP/1.1\r\n")  # a beginning is no request
        assert await reader.read() == b""
        assert len(place.connections) == 0


class Far:
    """The transport of a connection from elsewhere."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.gone = False

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        return self.address, 1

    def is_closing(self) -> bool:
        return self.gone

    def abort(self) -> None:
        self.gone = True


async def test_one_address_of_elsewhere_has_a_share_and_this_machine_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(door, "AT_MOST", 3 * SHARE)
    kept = Connections(time.monotonic)

    def come(address: str) -> Far:
        far = Far(address)
        assert kept.let_in(cast("asyncio.Transport", far), asyncio.Protocol())
        return far

    other = come("192.0.2.2")
    many = [come("192.0.2.1") for _ in range(SHARE + 5)]
    assert [one.gone for one in many] == [True] * 5 + [False] * SHARE
    assert not other.gone
    here = [come("127.0.0.1") for _ in range(SHARE + 5)]
    assert not any(one.gone for one in here)
