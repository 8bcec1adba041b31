"""The benchmark's server speaks as the emulator does where an upload goes well, and keeps a true account."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import urllib.parse
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import yarl

from bench.sink.server import Certificate, Limits, Sink
from emulator.talk import Talk, content
from okdrop.client import Client, ClientSettings
from okdrop.drop import Mode
from okdrop.emulator import Emulator, Options
from okdrop.emulator import Mode as Played
from okdrop.protocol.messages import VideoStatus
from okdrop.protocol.ranges import ByteRange
from scripted import KEYS, LOOPBACK_PEM, NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from okdrop.drop import Ticket
    from okdrop.protocol.messages import SegmentAnswer

SIZE = 100_000
PARALLEL = {"X-Uploading-Mode": "parallel"}
NAMED = {"Content-Disposition": "attachment; filename=a.mp4", "Content-Type": "application/octet-stream"}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def client(url: str, **settings: Any) -> Client:
    chosen = ClientSettings(api_url=url, upload_hosts=("127.0.0.1",), **settings)
    return Client(chosen, lambda: KEYS, now=lambda: NOW)


async def send(speaking: Client, ticket: Ticket, start: int, stop: int) -> SegmentAnswer:
    async def blocks() -> AsyncIterator[bytes]:
        yield content(SIZE)[start:stop]

    return await speaking.send(
        ticket,
        ByteRange(start, stop),
        total=SIZE,
        mode=Mode.PARALLEL,
        file_name="a.mp4",
        blocks=blocks(),
        sent=lambda _count: None,
    )


# --- it speaks as the emulator does -------------------------------------------------------------------

SEGMENTS = {
    "in order": [(0, 40_000), (40_000, SIZE)],
    "the end first": [(60_000, SIZE), (0, 60_000)],
    "three, with a gap": [(0, 20_000), (50_000, SIZE), (20_000, 50_000)],
    "twice the same": [(0, 40_000), (0, 40_000), (40_000, SIZE)],
}


class Speaker:
    """Sends raw requests, and keeps of each answer what a client reads."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = yarl.URL(url, encoded=True)
        self._session = session

    async def ask(self, verb: str, headers: dict[str, str], body: bytes = b"") -> tuple[Any, ...]:
        async with self._session.request(verb, self._url, headers=headers, data=body or None) as answer:
            told = answer.headers.get("Range"), answer.headers.get("X-Last-Known-Byte")
            return answer.status, *told, await answer.text()

    async def segment(self, start: int, stop: int, headers: dict[str, str]) -> tuple[Any, ...]:
        spoken = NAMED | {"Content-Range": f"bytes {start}-{stop - 1}/{SIZE}"} | headers
        return await self.ask("POST", spoken, bytes(stop - start))


@contextlib.asynccontextmanager
async def both(tmp_path: Path, *, sequential: bool) -> AsyncIterator[tuple[Speaker, Speaker]]:
    """The emulator and the sink, each with an upload of the same size."""
    played = Played.SEQUENTIAL if sequential else Played.PARALLEL
    async with (
        Emulator(Options(data_dir=tmp_path / "ok", mode=played)) as emulator,
        aiohttp.ClientSession() as session,
    ):
        _, ticket = await Talk(emulator, session).ticket(size=SIZE)
        with Sink(sequential=sequential) as sink:
            async with client(sink.url) as speaking:
                other = await speaking.request_ticket(file_name="a.mp4", size=SIZE, group_id="")
            yield Speaker(ticket, session), Speaker(other.upload_url, session)


@pytest.mark.parametrize("sequential", [False, True], ids=["parallel", "sequential"])
@pytest.mark.parametrize("mode", [{}, PARALLEL], ids=["not asked", "asked for parallel"])
@pytest.mark.parametrize("segments", SEGMENTS.values(), ids=SEGMENTS.keys())
async def test_every_answer_is_the_emulators(
    tmp_path: Path, segments: list[tuple[int, int]], mode: dict[str, str], *, sequential: bool
) -> None:
    async with both(tmp_path, sequential=sequential) as (emulator, sink):
        assert await sink.ask("GET", mode) == await emulator.ask("GET", mode)
        for start, stop in segments:
            assert await sink.segment(start, stop, mode) == await emulator.segment(start, stop, mode)
            assert await sink.ask("GET", mode) == await emulator.ask("GET", mode)


@pytest.mark.parametrize(
    "headers",
    [
        NAMED,
        {"Content-Range": f"bytes 0-9/{SIZE}", "Content-Type": "application/octet-stream"},
        NAMED | {"Content-Range": "bytes 9-0/10"},
        NAMED | {"Content-Range": f"bytes 0-9/{SIZE + 1}"},
        NAMED | {"Content-Range": f"bytes 0-10/{SIZE}"},
    ],
    ids=["no range", "no disposition", "no such range", "another size", "another length"],
)
async def test_what_it_does_not_take_it_refuses_as_the_emulator_does(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with both(tmp_path, sequential=False) as (emulator, sink):
        asked = headers | PARALLEL
        assert await sink.ask("POST", asked, bytes(10)) == await emulator.ask("POST", asked, bytes(10))
        assert (await sink.segment(0, SIZE, PARALLEL))[0] == 200


# --- it counts --------------------------------------------------------------------------------------


async def test_an_upload_goes_through_by_the_clients_own_words(sink: Sink) -> None:
    async with client(sink.url) as speaking:
        ticket = await speaking.request_ticket(file_name="a b.mp4", size=SIZE, group_id="")
        assert await speaking.video_status(ticket.video_id) is VideoStatus.UPLOADING
        await asyncio.gather(
            *(send(speaking, ticket, start, start + 25_000) for start in range(0, SIZE, 25_000))
        )
        assert await speaking.video_status(ticket.video_id) is VideoStatus.OK
        await speaking.update(ticket.video_id, title="a", description="", tags=(), privacy="PUBLIC")
    (account,) = sink.videos.accounts(after=0)
    assert account["name"] == "a b.mp4"
    assert (account["received"], account["resent"], account["segments"]) == (SIZE, 0, 4)
    assert account["asked_at"] < account["began_at"] < account["whole_at"] < account["published_at"]
    assert sink.videos.summary()["calls"] == {"video.getUploadUrl": 1, "video.get": 2, "video.update": 1}


async def test_bytes_sent_again_are_counted_and_no_others(sink: Sink) -> None:
    async with client(sink.url) as speaking:
        ticket = await speaking.request_ticket(file_name="a.mp4", size=SIZE, group_id="")
        for start, stop in ((0, 40_000), (30_000, 60_000), (60_000, SIZE)):
            await send(speaking, ticket, start, stop)
    (account,) = sink.videos.accounts(after=0)
    assert account["resent"] == 10_000
    assert account["received"] == SIZE + 10_000


def test_of_a_body_that_is_cut_only_what_came_is_held(sink: Sink) -> None:
    video = sink.videos.create("a.mp4", SIZE)
    host, port = sink.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = [
            f"POST /upload.do?id={video.id} HTTP/1.1",
            f"Content-Range: bytes 0-{SIZE - 1}/{SIZE}",
            "Content-Disposition: attachment; filename=a",
            f"Content-Length: {SIZE}",
            *(f"{name}: {value}" for name, value in PARALLEL.items()),
        ]
        line.sendall("\r\n".join([*head, "", ""]).encode() + bytes(30_000))
        assert sink.videos.wait("began", 1, 10)
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100) == b""
    (account,) = sink.videos.accounts(after=0)
    assert (account["held"], account["received"], account["in_flight"]) == (30_000, 30_000, 0)


async def test_it_speaks_tls() -> None:
    certificate = Certificate(certificate=LOOPBACK_PEM, key=LOOPBACK_PEM)
    with Sink(certificate=certificate) as sink:
        async with client(sink.url, ca_file=str(LOOPBACK_PEM)) as speaking:
            ticket = await speaking.request_ticket(file_name="a.mp4", size=SIZE, group_id="")
            assert urllib.parse.urlsplit(ticket.upload_url).scheme == "https"
            await send(speaking, ticket, 0, SIZE)
    assert sink.videos.accounts(after=0)[0]["received"] == SIZE


async def test_a_refused_token_gets_no_ticket() -> None:
    with Sink(refuses=True) as sink:
        async with client(sink.url) as speaking:
            with pytest.raises(Exception, match="refused"):
                await speaking.request_ticket(file_name="a.mp4", size=SIZE, group_id="")
    assert sink.videos.accounts(after=0) == []


async def test_no_connection_gets_more_than_its_rate() -> None:
    """Not a test of speed: faster than this it must not be, however slow the machine is."""
    rate, delay = 400_000.0, 0.05
    with Sink(Limits(rate=rate, delay=delay)) as sink:
        async with client(sink.url) as speaking:
            ticket = await speaking.request_ticket(file_name="a.mp4", size=SIZE, group_id="")
            began = asyncio.get_running_loop().time()
            await send(speaking, ticket, 0, SIZE)
            assert asyncio.get_running_loop().time() - began >= SIZE / rate + delay
    (account,) = sink.videos.accounts(after=0)
    assert account["whole_at"] - account["began_at"] >= SIZE / rate


async def test_it_can_say_when_bytes_came_once() -> None:
    with Sink(Limits(timed=True)) as sink:
        async with client(sink.url) as speaking:
            ticket = await speaking.request_ticket(file_name="a.mp4", size=SIZE, group_id="")
            await send(speaking, ticket, 0, SIZE)
        told = sink.arrivals.taken()
        assert sum(count for _, count in told) == SIZE
        assert [tick for tick, _ in told] == sorted(tick for tick, _ in told)
        assert sink.arrivals.taken() == []
