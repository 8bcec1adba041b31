"""The real process in storms: who is held up, how often anybody is asked, and what the log says of it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from e2e.harness import KB, assert_published_once, published, until
from okdrop.emulator import Fault
from okdrop.pipeline.breakers import CROWD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from e2e.harness import Running
    from okdrop.emulator import Emulator

RUN = ("run",)
INFO = {"log__level": "info"}


def calls(emulator: Emulator, method: str) -> int:
    count: int = emulator.summary()["calls"].get(method, 0)
    return count


LIMITS = ["api_error:code=8", "api_error:code=11", "refuse:status=429", "refuse:status=429,retry_after=1"]


@pytest.mark.parametrize("limit", LIMITS)
async def test_a_limited_account_is_asked_by_one_call_at_a_time(start: Any, limit: str) -> None:
    emulator, daemon = await start(
        f"{limit},method=video.getUploadUrl", settings=INFO | {"retry__max_delay": "2s"}
    )
    files = daemon.files([60 * KB] * 10)
    async with daemon.started(*RUN) as running:
        opened = await running.tells("breaker.opened")
        await until(lambda: calls(emulator, "video.getUploadUrl") >= 4)
        elapsed = time.time() - seconds_of(opened["timestamp"])
        # At the start one for each worker; then one for each pause, which is never shorter than an eighth
        # of a second here.
        assert calls(emulator, "video.getUploadUrl") <= 2 + 1 + elapsed * 16
        waiting = await until_waiting(daemon, 10)
        assert all(row["retry_at"] for row in waiting)
        emulator.faults.clear()
        await running.tells("upload.published", 10)
        ended = await ended_by(running)
    assert_published_once(emulator.videos(), files)
    assert [event["place"] for event in ended.named("breaker.opened")] == ["the account"]
    (closed,) = ended.named("breaker.closed")
    assert (closed["place"], closed["waiting"], closed["failures"] >= 3) == ("the account", 9, True)
    assert len(ended.named("upload.trouble")) == 1  # of the upload that was told


async def until_waiting(daemon: Any, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(30):
        while True:
            rows = [row for row in (await daemon.status())["uploads"] if row["retry_at"]]
            if len(rows) == count:
                return rows


async def ended_by(running: Running, number: signal.Signals = signal.SIGTERM) -> Any:
    running.send(number)
    ended = await running.end()
    assert ended.code == 0, ended.text
    return ended


async def test_a_restart_in_a_cool_down_does_not_ask(start: Any) -> None:
    emulator, daemon = await start(
        "api_error:code=8,method=video.getUploadUrl", settings=INFO | {"retry__max_delay": "1h"}
    )
    daemon.files([60 * KB] * 5)
    async with daemon.started(*RUN) as running:
        await until_waiting(daemon, 5)
        await running.kill()
    asked = calls(emulator, "video.getUploadUrl")
    assert asked <= 2
    for _ in range(3):
        async with daemon.started(*RUN) as running:
            await running.tells("service.ready")
            await running.tells("upload.waits", 5)
            await ended_by(running)
    assert calls(emulator, "video.getUploadUrl") == asked


async def test_a_poisoned_file_among_good_ones(start: Any) -> None:
    emulator, daemon = await start(settings=INFO)
    poison = daemon.file("poison.mp4", 90 * KB)
    async with daemon.started(*RUN) as running:
        await until(emulator.videos)
        (video,) = emulator.videos()
        emulator.faults.set("error_500_before_storing", video=video["id"])
        good = daemon.files([70 * KB] * 8)
        await until(lambda: len(published(emulator.videos())) >= 8)
        emulator.faults.clear()
        await until(lambda: len(published(emulator.videos())) == 9)
        ended = await ended_by(running)
    assert_published_once(emulator.videos(), [poison, *good])
    assert ended.named("breaker.opened") == []


# --- two hosts ----------------------------------------------------------------------------------------------


class Relay:
    """Between the daemon and OK: it names another host, which may be dead, for some of the files."""

    def __init__(self, emulator: Emulator, word: bytes) -> None:
        self.to = int(emulator.api_url.rpartition(":")[2])
        self.word = word
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            self.dead = int(reserved.getsockname()[1])
        self.port = 0

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[Relay]:
        async with await asyncio.start_server(self._talk, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    @contextlib.asynccontextmanager
    async def revived(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._talk, "127.0.0.1", self.dead):
            yield

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.to)
        asked = asyncio.Event()

        async def forth() -> None:
            while block := await reader.read(65536):
                if self.word in block:
                    asked.set()
                back.write(block)
            back.write_eof()

        async def answers() -> None:
            while block := await there.read(65536):
                if asked.is_set() and b"upload_url" in block:
                    asked.clear()
                    block = block.replace(b":%d/" % self.to, b":%d/" % self.dead)
                writer.write(block)

        with contextlib.suppress(OSError):
            await asyncio.gather(forth(), answers())
        writer.close()
        back.close()


async def test_a_dead_upload_host_while_the_api_lives(start: Any) -> None:
    emulator, daemon = await start(settings=INFO | {"upload__workers": "3"})
    async with Relay(emulator, b"ill-").started() as relay:
        daemon.set(ok__api_url=f"http://127.0.0.1:{relay.port}")
        ill = [daemon.file(f"ill-{number}.mp4", 70 * KB) for number in range(6)]
        async with daemon.started(*RUN) as running:
            opened = await running.tells("breaker.opened")
            well = [daemon.file(f"well-{number}.mp4", 60 * KB) for number in range(6)]
            await until(lambda: len(published(emulator.videos())) == 6)
            waiting = await until_waiting(daemon, 6)
            assert {row["state"] for row in waiting} == {"uploading"}
            tickets = calls(emulator, "video.getUploadUrl")
            assert tickets == 12
            async with relay.revived():
                await running.tells("upload.published", 12)
                ended = await ended_by(running)
    assert opened["place"] == f"127.0.0.1:{relay.dead}"
    assert_published_once(emulator.videos(), [*ill, *well])
    assert calls(emulator, "video.getUploadUrl") == tickets <= 12 + CROWD
    assert len(ended.named("upload.failed")) == 0


# --- the log ------------------------------------------------------------------------------------------------

FILES = 50


@pytest.mark.parametrize("storm", ["503", "cut"])
async def test_the_log_of_a_storm_is_bounded_whatever_the_number_of_tries(start: Any, storm: str) -> None:
    settings = INFO | {"retry__max_delay": "100ms", "retry__first_delay": "10ms"}
    emulator, daemon = await start(settings=settings)
    files = daemon.files([20 * KB] * FILES)
    if storm == "cut":
        emulator.faults.set("lost_api_answer", method="video.update")
        emulator.faults.set("cut_after_bytes", bytes=0)
        emulator.faults.set("error_503", retry_after=-1, method="status")
    else:
        for operation in ("segment", "status", "api"):
            emulator.faults.add(Fault.of("error_503", retry_after=-1, method=operation))
    async with daemon.started(*RUN) as running:
        await running.tells("breaker.opened")
        begun = len(running.err().splitlines())
        attempts = await until_attempts(daemon, 60)
        after_a_while = len(running.err().splitlines())
        # What is told of each file once: settled, started, ticket; and of the storm a line or a few.
        assert after_a_while - begun <= 3 * FILES + 10
        attempts = await until_attempts(daemon, attempts + 60)
        assert len(running.err().splitlines()) - after_a_while <= 3 * FILES
        emulator.faults.clear()
        await running.tells("upload.published", FILES, within=60)
        ended = await ended_by(running)
    assert_published_once(emulator.videos(), files)
    for place in {event["place"] for event in ended.named("breaker.opened")}:
        assert len([e for e in ended.named("breaker.opened") if e["place"] == place]) == 1
        (closed,) = [e for e in ended.named("breaker.closed") if e["place"] == place]
        assert closed["failures"] > 30


async def until_attempts(daemon: Any, count: int) -> int:
    """Wait until the daemon tried so often, over all files."""
    async with asyncio.timeout(60):
        while (tried := sum(row["attempts"] for row in (await daemon.status())["uploads"])) < count:
            pass
    return tried


def seconds_of(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
