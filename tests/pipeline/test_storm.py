"""Storms, with real uploads: an upload host that is dead, a poisoned file, a limited account."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
from typing import TYPE_CHECKING, Any

import pytest

from okdrop import events
from okdrop.drop import State
from okdrop.pipeline.breakers import CROWD
from okdrop.pipeline.uploader import HOPELESS
from okdrop.pipeline.waits import recall_limits
from pipeline.bench import until
from pipeline.test_pipeline import pipeline, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from okdrop.drop import Ticket
    from pipeline.bench import Bench


@dataclasses.dataclass
class SecondHost:
    """Another way to the same upload host, on a port of its own; it can be dead."""

    port: int
    server: asyncio.Server | None = None
    to: int = 0
    connections: int = 0

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def lives(self) -> None:
        self.server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        there, back = await asyncio.open_connection("127.0.0.1", self.to)
        try:
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        finally:
            back.close()
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()
        writer.write_eof()


@pytest.fixture
async def second() -> AsyncIterator[SecondHost]:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        host = SecondHost(port=reserved.getsockname()[1])
    yield host
    if host.server is not None:
        host.server.close()


def issues(bench: Bench, monkeypatch: pytest.MonkeyPatch, host: SecondHost, *names: str) -> None:
    """OK names the second host for these files."""
    client: Any = bench.parts.client
    request = client.request_ticket
    host.to = int(bench.emulator.api_url.rpartition(":")[2])

    async def request_ticket(*, file_name: str, **rest: Any) -> Ticket:
        ticket: Ticket = await request(file_name=file_name, **rest)
        if file_name not in names:
            return ticket
        url = ticket.upload_url.replace(f":{host.to}/", f":{host.port}/")
        return dataclasses.replace(ticket, upload_url=url)

    monkeypatch.setattr(client, "request_ticket", request_ticket)


def published(bench: Bench) -> int:
    return bench.parts.tally[State.PUBLISHED]


async def test_a_dead_host_holds_its_own_uploads_and_no_worker(
    set_up: Callable[..., Awaitable[Bench]], second: SecondHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await set_up(first_delay=0.05, max_delay=0.4)
    ill = [f"ill-{number}.mp4" for number in range(4)]
    issues(bench, monkeypatch, second, *ill)
    for name in (*ill, *(f"well-{number}.mp4" for number in range(4))):
        bench.file(name)
    running = asyncio.create_task(run(pipeline(bench, workers=2)))
    await until(lambda: published(bench) == 4)
    opened = bench.told(events.BreakerOpened)
    assert [told.place for told in opened] == [second.name]
    troubles = len(bench.told(events.UploadTrouble))
    await until(lambda: len(bench.told(events.BreakerStaysOpen)) > 3)
    tries = len(bench.told(events.BreakerHalfOpen))
    assert len(bench.told(events.UploadTrouble)) - troubles <= tries + 2  # one tries at a time
    await second.lives()
    await running
    assert published(bench) == 8
    (closed,) = bench.told(events.BreakerClosed)
    assert (closed.place, closed.waiting, closed.failures >= tries) == (second.name, 3, True)
    assert {video["held_bytes_resent"] for video in bench.emulator.videos()} == {0}


async def test_a_poisoned_file_opens_nothing_and_holds_nobody_up(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(first_delay=0.01, max_delay=0.05)
    bench.file("poison.mp4")

    def poison(video: str) -> None:
        name = next(each["name"] for each in bench.emulator.videos() if each["id"] == video)
        if name == "poison.mp4" and not bench.faults.plain():
            bench.faults.set("error_500_before_storing", video=video)

    bench.faults.taps["segment"] = poison
    for number in range(6):
        bench.file(f"{number}.mp4")
    running = asyncio.create_task(run(pipeline(bench, workers=2)))
    await until(lambda: published(bench) == 6)
    await until(lambda: len(bench.told(events.UploadTrouble)) > 12)
    (row,) = await bench.unfinished()
    assert (row.state, row.last_trouble) == (State.UPLOADING, "http_500")
    assert bench.told(events.BreakerOpened) == []
    bench.faults.taps.clear()
    bench.faults.clear()
    await running
    assert published(bench) == 7


LIMITS = [
    ("api_8", "api_error", {"code": 8}),
    ("api_11", "api_error", {"code": 11}),
    ("http_429", "api_error", {"code": 2, "status": 429}),
    ("http_429", "refuse", {"status": 429}),
]


@pytest.mark.parametrize(("code", "fault", "details"), LIMITS, ids=str)
async def test_a_limit_cools_the_whole_account_and_one_call_asks_after_it(
    set_up: Callable[..., Awaitable[Bench]], code: str, fault: str, details: dict[str, int]
) -> None:
    bench = await set_up(first_delay=0.05, max_delay=0.4)
    bench.faults.set(fault, method="video.getUploadUrl", **details)
    for number in range(10):
        bench.file(f"{number}.mp4")
    running = asyncio.create_task(run(pipeline(bench, workers=4)))
    await until(lambda: len(bench.told(events.BreakerStaysOpen)) == 4)
    calls = bench.emulator.summary()["calls"]["video.getUploadUrl"]
    assert calls <= 4 + len(bench.told(events.BreakerHalfOpen))
    rows = await bench.unfinished()
    assert {row.last_trouble for row in rows} == {code}
    assert len([row for row in rows if row.retry_at is not None]) >= 10 - 1  # all but the one that tries
    bench.faults.clear()
    await running
    assert published(bench) == 10
    assert len(bench.told(events.BreakerOpened)) == len(bench.told(events.BreakerClosed)) == 1


async def test_segments_go_on_while_the_account_cools_down(
    set_up: Callable[..., Awaitable[Bench]],
) -> None:
    bench = await set_up(first_delay=0.05, max_delay=60.0)
    bench.file("first.mp4")
    limited: list[str] = []

    def limit(video: str) -> None:
        if not limited:
            limited.append(video)
            bench.faults.set("api_error", code=8)

    bench.faults.taps["segment"] = limit
    bench.file("second.mp4")
    running = asyncio.create_task(run(pipeline(bench, workers=1)))
    await until(lambda: bool(bench.told(events.UploadWhole) and bench.told(events.BreakerOpened)))
    (whole,) = bench.told(events.UploadWhole)
    await until(lambda: len(bench.parts.breakers.waiting(50)) == 2)  # one to be published, one to be sent
    assert (await bench.row(whole.upload)).state is State.FINALIZING
    bench.parts.brake.pull()
    await running


async def test_a_restart_in_a_cool_down_asks_nobody(set_up: Callable[..., Awaitable[Bench]]) -> None:
    bench = await set_up(first_delay=0.05, max_delay=3600.0)
    rows = [await bench.taken(f"{number}.mp4") for number in range(5)]
    with bench.faults.active("api_error", code=8, method="video.getUploadUrl", times=1):
        await bench.uploader.upload(rows[0].id)
    calls = dict(bench.emulator.summary()["calls"])
    parts = dataclasses.replace(
        bench.parts,
        breakers=type(bench.parts.breakers)(
            bench.parts.backoff,
            emit=bench.events.append,
            now=bench.clock.now,
            monotonic=bench.clock.monotonic,
            chance=lambda: 0.0,
        ),
    )
    again = pipeline(bench, parts=parts)
    assert again.recover(await bench.unfinished()) == 5
    running = asyncio.create_task(run(again))
    await until(lambda: len(parts.breakers.waiting(50)) == 4)
    assert bench.emulator.summary()["calls"] == calls
    parts.brake.pull()
    await running
    recall_limits(parts, await bench.unfinished())
    assert parts.breakers.ill("the account") == "the account"


async def test_a_dead_host_is_not_given_every_file_that_waits(
    set_up: Callable[..., Awaitable[Bench]], second: SecondHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ticket makes an entry at OK, and may expire before it is of use."""
    bench = await set_up(first_delay=0.05, max_delay=0.4)
    names = [f"{number}.mp4" for number in range(30)]
    issues(bench, monkeypatch, second, *names)
    for name in names:
        bench.file(name, 64 * 1024)
    running = asyncio.create_task(run(pipeline(bench, workers=2)))
    await until(lambda: len(bench.told(events.BreakerStaysOpen)) > 3)
    # Those who wait, who were on their way there or made ready for it, who try, and one after each pause.
    pauses = len(bench.told(events.BreakerStaysOpen)) + 1
    assert len(bench.told(events.TicketIssued)) <= CROWD + 4 + 1 + pauses
    await second.lives()
    await running
    assert published(bench) == 30
    assert len(bench.told(events.TicketIssued)) == 30


async def test_an_upload_leaves_a_host_that_stays_dead_if_that_costs_no_byte(
    set_up: Callable[..., Awaitable[Bench]], second: SecondHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await set_up(first_delay=0.05, max_delay=0.2)
    names = ["0.mp4", "1.mp4"]
    with monkeypatch.context() as patched:
        issues(bench, patched, second, *names)
        for name in names:
            bench.file(name)
        running = asyncio.create_task(run(pipeline(bench, workers=2)))
        await until(lambda: len(bench.told(events.BreakerStaysOpen)) > 2)
        assert bench.told(events.TicketAbandoned) == []
    bench.clock.ahead = HOPELESS
    await running
    assert published(bench) == 2
    told = {event.upload: event.reason for event in bench.told(events.TicketAbandoned)}
    assert [*told.values()] == ["its host is dead"] * 2
    assert [video["published"] for video in bench.emulator.videos()] == [False, False, True, True]
    assert second.connections == 0


async def test_a_crowd_at_a_dead_host_does_not_keep_new_files_from_another(
    set_up: Callable[..., Awaitable[Bench]], second: SecondHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The crowd may stay there for ever; OK may name another host by now."""
    bench = await set_up(first_delay=0.02, max_delay=0.1)
    names = [f"{number:02}.mp4" for number in range(CROWD + 5)]
    issues(bench, monkeypatch, second, *names)
    for name in (*names, "new.mp4"):
        bench.file(name, 64 * 1024)
    running = asyncio.create_task(run(pipeline(bench, workers=2)))
    await until(lambda: published(bench) == 1)
    assert [video["name"] for video in bench.emulator.videos() if video["published"]] == ["new.mp4"]
    assert second.connections == 0
    running.cancel()
    await asyncio.wait({running})
