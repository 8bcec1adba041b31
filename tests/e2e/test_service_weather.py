"""The daemon through an outage, told to a service manager, and doing nothing."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.harness import KB, MB, Daemon, EmulatorProcess, assert_published_once, until

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = ("run",)


async def test_an_outage_is_one_line_when_it_begins_and_one_when_it_is_over(tmp_path: Path) -> None:
    host = EmulatorProcess(tmp_path / "emulator", "slow:rate=3000000")
    async with host.started() as lives:
        daemon = Daemon(tmp_path / "daemon", host.url, log__level="info")
        files = daemon.files([9 * MB, 8 * MB, 300 * KB])
        async with daemon.started(*RUN) as running:
            await running.tells("upload.mode", 2)
            await lives.kill()
            offline = await running.tells("network.offline")
            tries = (await daemon.status())["uploads"][0]["attempts"]
            await until_attempts(daemon, tries + 12)
            assert len(running.told("upload.trouble")) <= 2 * len(files)
            async with host.started():
                online = await running.tells("network.online")
                await running.tells("upload.published", 3)
                running.send(signal.SIGTERM)
                ended = await running.end()
                assert_published_once(await host.ask("videos"), files)
    assert ended.code == 0
    assert offline["host"] in {"127.0.0.1", "the API"}, "whichever is missed first"
    assert (online["seconds"] > 0, online["tries"] > 10) == (True, True)
    assert len(ended.named("network.offline")) == len(ended.named("network.online")) == 1
    assert ended.named("upload.failed") == []


async def until_attempts(daemon: Daemon, count: int) -> None:
    async with asyncio.timeout(60):
        while max(row["attempts"] for row in (await daemon.status())["uploads"]) < count:
            pass


# --- the service manager ----------------------------------------------------------------------------------


@contextlib.contextmanager
def service_manager(place: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """A socket that listens as systemd does, and the environment that names it."""
    path = place / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.setblocking(False)
        yield listener, {"NOTIFY_SOCKET": str(path)}


class Heard:
    """What the service manager has heard so far."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.lines: list[str] = []

    def has(self, line: str) -> bool:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.lines += self._listener.recv(4096).decode().splitlines()
        return any(line in heard for heard in self.lines)


async def test_a_service_manager_learns_how_it_stands(start: Any, tmp_path: Path) -> None:
    emulator, daemon = await start(
        bytes_per_second=2 * MB, settings={"retry__max_delay": "5m", "upload__connections": "1"}
    )
    with service_manager(tmp_path) as (listener, environ):
        heard = Heard(listener)
        daemon.environment |= environ | {"WATCHDOG_USEC": "400000"}
        emulator.faults.set("api_error", code=200, method="video.update")
        files = daemon.files([4 * MB, 3 * MB, 2 * MB])
        async with daemon.started(*RUN) as running:
            await until(lambda: heard.has("READY=1"))
            assert "READY=1" in heard.lines
            await until(lambda: heard.has("STATUS=2 uploading, 1 waiting"))
            await until(lambda: heard.has("STATUS=halted: the application lacks a permission"))
            await until(lambda: not heard.has("nothing") and heard.lines.count("WATCHDOG=1") > 5)
            assert not heard.has("STOPPING=1")
            running.send(signal.SIGTERM)
            await until(lambda: heard.has("STOPPING=1"))
            assert (await running.end()).code == 0
        assert heard.lines.count("READY=1") == heard.lines.count("STOPPING=1") == 1
    assert len(files) == 3


# --- nothing to do ----------------------------------------------------------------------------------------


async def test_who_has_nothing_to_do_sleeps(start: Any) -> None:
    """No figure of speed: it counts how often the main thread was given the processor."""
    _, daemon = await start()
    async with daemon.started(*RUN) as running:
        await running.tells("service.ready")
        before = wakeups(running.process.pid)
        await asyncio.sleep(5)
        woken = wakeups(running.process.pid) - before
        running.send(signal.SIGTERM)
        await running.end()
    assert woken < 5 * 40


def wakeups(process: int) -> int:
    """How often the process's threads gave the processor up by themselves."""
    count = 0
    for task in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread may end while it is looked at
            status = (task / "status").read_text()
            count += int(
                next(line for line in status.splitlines() if line.startswith("voluntary")).split()[1]
            )
    return count
