"""What the service manager is told, by real datagrams."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from okdrop import events
from okdrop.observe.service_manager import ServiceManager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READY = events.ServiceReady(unfinished=0, seconds=0.1)
STARTED = events.UploadStarted(upload=1, path="/a", size=1, attempt=1)
STORED = events.SegmentStored(upload=1, start=0, stop=1, received=1, size=2)
HALTED = events.PoolHalted(code="api_102", message="the token has expired", hint="")
RESUMED = events.PoolResumed(code="api_102", reason="", seconds=1.0)
OFFLINE = events.NetworkOffline(since="", host="the API", reason="the host cannot be reached")
ONLINE = events.NetworkOnline(seconds=1.0, tries=1)
AWAY = events.FolderAway(
    path="/srv", code="folder_unmarked", message="/srv: the marker is not there", hint=""
)
STUCK = events.LedgerStuck(code="ledger_disk", message="the disk is full", hint="")
DRAINING = events.DrainStarted(signal="SIGTERM", timeout=8.0)


@dataclasses.dataclass
class Standing:
    in_hand: int = 0
    waiting: int = 0


class Receiver:
    """A service manager's socket."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    async def hears(self) -> str:
        async with asyncio.timeout(5):
            return (await asyncio.get_running_loop().sock_recv(self.socket, 4096)).decode()

    def has_heard(self) -> list[str]:
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self.socket.recv(4096).decode())
        return found


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Receiver, dict[str, str]]]:
    """A receiver, and the environment that names it."""
    if request.param == "path":
        bound = named = str(tmp_path / "notify")
    else:
        name = f"okdrop-test-{os.getpid()}-{tmp_path.name}"
        bound, named = f"\0{name}", f"@{name}"
    receiver = Receiver(bound)
    yield receiver, {"NOTIFY_SOCKET": named}
    receiver.socket.close()


ILL = events.BreakerOpened(
    place="vu.okcdn.ru", code="http_503", reason="HTTP 503", failures=4, delay=1.0, until=""
)
WELL = events.BreakerClosed(place="vu.okcdn.ru", failures=9, seconds=1.0, waiting=2)

Told = tuple[Receiver, dict[str, str]]


async def test_ready_and_stopping_each_in_its_time(manager: Told) -> None:
    receiver, environ = manager
    async with ServiceManager(environ, standing=lambda: Standing(1, 2)) as telling:
        telling.hear(events.ServiceStarted(version="1", folders=1, once=False))
        assert receiver.has_heard() == []
        telling.hear(READY)
        assert await receiver.hears() == "READY=1\nSTATUS=1 uploading, 2 waiting"
        telling.hear(DRAINING)
        assert (await receiver.hears()).startswith("STOPPING=1\nSTATUS=stopping")
    assert receiver.has_heard() == []


async def test_the_status_is_kept_up_and_says_what_is_wrong(manager: Told) -> None:
    receiver, environ = manager
    standing = Standing()
    async with ServiceManager(environ, standing=lambda: standing, status_every=0.01) as telling:
        for event, line in [
            (READY, "READY=1\nSTATUS=0 uploading, 0 waiting"),
            (HALTED, "STATUS=halted: the token has expired (api_102); 0 uploading, 0 waiting"),
            (RESUMED, "STATUS=0 uploading, 0 waiting"),
            (events.ServicePaused(), "STATUS=paused by hand; 0 uploading, 0 waiting"),
            (events.ServiceResumed(), "STATUS=0 uploading, 0 waiting"),
            (OFFLINE, "STATUS=offline: the API: the host cannot be reached; 0 uploading, 0 waiting"),
            (STUCK, "the disk is full"),
            (events.LedgerWritable(seconds=1.0), "STATUS=offline"),
            (ONLINE, "STATUS=0 uploading, 0 waiting"),
            (AWAY, "STATUS=waiting for a folder: /srv: the marker is not there; 0 uploading, 0 waiting"),
            (events.FolderBack(path="/srv"), "STATUS=0 uploading, 0 waiting"),
            (ILL, "STATUS=in trouble: vu.okcdn.ru: HTTP 503; 0 uploading, 0 waiting"),
            (WELL, "STATUS=0 uploading, 0 waiting"),
        ]:
            telling.hear(event)
            assert line in await receiver.hears()
        standing.in_hand = 3
        telling.hear(STARTED)
        assert await receiver.hears() == "STATUS=3 uploading, 0 waiting"


async def test_many_events_are_one_line_and_an_unchanged_line_is_none(manager: Told) -> None:
    receiver, environ = manager
    standing = Standing()
    async with ServiceManager(environ, standing=lambda: standing, status_every=0.02) as telling:
        telling.hear(READY)
        await receiver.hears()
        for standing.in_hand in range(5):
            telling.hear(STARTED)
            telling.hear(STORED)
        assert await receiver.hears() == "STATUS=4 uploading, 0 waiting"
        telling.hear(STARTED)
        standing.in_hand = 5
        telling.hear(STARTED)
        assert await receiver.hears() == "STATUS=5 uploading, 0 waiting"
    assert receiver.has_heard() == []


async def test_the_watchdog_is_fed_as_long_as_the_loop_goes_round(manager: Told) -> None:
    receiver, environ = manager
    environ |= {"WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid())}
    async with ServiceManager(environ, standing=Standing) as telling:
        for _ in range(3):
            assert await receiver.hears() == "WATCHDOG=1"
        telling.hear(DRAINING)
        heard = [await receiver.hears() for _ in range(3)]
        assert "WATCHDOG=1" in heard[1:]  # to the very end
    receiver.has_heard()
    await asyncio.sleep(0.03)
    assert receiver.has_heard() == []


async def test_a_loop_that_hangs_feeds_no_watchdog(manager: Told) -> None:
    receiver, environ = manager
    async with ServiceManager(environ | {"WATCHDOG_USEC": "20000"}, standing=Standing):
        await receiver.hears()
        receiver.has_heard()
        time.sleep(0.1)  # noqa: ASYNC251 - that is what hangs
        assert receiver.has_heard() == []
        assert await receiver.hears() == "WATCHDOG=1"


@pytest.mark.parametrize(
    "watchdog",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}],
)
async def test_a_watchdog_that_is_not_ours_is_not_fed(manager: Told, watchdog: dict[str, str]) -> None:
    receiver, environ = manager
    async with ServiceManager(environ | watchdog, standing=Standing):
        await asyncio.sleep(0.01)
    assert receiver.has_heard() == []


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
async def test_without_a_service_manager_nothing_is_said(environ: dict[str, str]) -> None:
    async with ServiceManager(environ | {"WATCHDOG_USEC": "1000"}, standing=Standing) as telling:
        telling.hear(READY)
        telling.hear(DRAINING)


async def test_one_that_is_gone_is_no_trouble(tmp_path: Path) -> None:
    environ = {"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1000"}
    async with ServiceManager(environ, standing=Standing, status_every=0.001) as telling:
        telling.hear(READY)
        telling.hear(HALTED)
        await asyncio.sleep(0.01)
