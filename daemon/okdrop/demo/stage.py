"""The processes of the demonstration, and how they are configured."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from okdrop.emulator import ACCESS_TOKEN, APPLICATION_KEY, APPLICATION_SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

WEATHER: Final = (
    "slow:rate=3000000",
    "cut_after_bytes:bytes=700000,after=2,times=3",
    "lost_answer:after=4,times=2",
)


class Daemon:
    """`okdrop run` as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process: Final = process
        self.code = 0  #: its exit code, once it ended

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """What its log says, line by line, until it ends."""
        stream = self._process.stderr
        while stream is not None and (line := await stream.readline()):
            try:
                event = json.loads(line)
            except ValueError:
                event = {"event": "", "said": line.decode("utf-8", "replace").rstrip()}  # no event: an error
            yield event

    async def end(self) -> None:
        """Ask it to end, as a service manager does, and wait for that."""
        stream = self._process.stderr
        ends_by_itself = stream is not None and stream.at_eof()  # a signal now would take its exit code away
        if self._process.returncode is None and not ends_by_itself:
            self._process.terminate()
        async for _ in self.events():  # its last words: a pipe that nobody empties would hold it up
            pass
        self.code = await self._process.wait()


@contextlib.asynccontextmanager
async def daemon(place: Path, url: str) -> AsyncIterator[Daemon]:
    """The daemon, watching `place/drop`, for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        *_command("run"), env=environment(place, url), stderr=asyncio.subprocess.PIPE
    )
    running = Daemon(process)
    try:
        yield running
    finally:
        await running.end()


@contextlib.asynccontextmanager
async def emulator(data: Path) -> AsyncIterator[str]:
    """OK's stand-in as a process of its own; gives its address."""
    faults = [part for fault in WEATHER for part in ("--fault", fault)]
    process = await asyncio.create_subprocess_exec(
        *_command("emulator", "--data", str(data), "--port", "0", *faults), stdout=asyncio.subprocess.PIPE
    )
    try:
        line = (await process.stdout.readline()).decode() if process.stdout is not None else ""
        if "listening on " not in line:
            raise RuntimeError("the emulator did not start")
        yield line.split("listening on ", 1)[1].split(",", 1)[0].strip()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def videos(url: str) -> list[dict[str, Any]]:
    """The emulator's account of every video."""

    def fetch() -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{url}/emulator/videos") as answer:  # noqa: S310 - its own address
            found: list[dict[str, Any]] = json.load(answer)
        return found

    return await asyncio.to_thread(fetch)


def environment(place: Path, url: str) -> dict[str, str]:
    """The daemon's whole configuration, as environment variables; nothing of the caller's own leaks in."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OKDROP_")}
    inherited.pop("NOTIFY_SOCKET", None)
    return inherited | {
        "OKDROP_OK__API_URL": url,
        "OKDROP_OK__UPLOAD_HOSTS": '["127.0.0.1"]',
        "OKDROP_OK__APPLICATION_KEY": APPLICATION_KEY,
        "OKDROP_OK__APPLICATION_SECRET_KEY": APPLICATION_SECRET_KEY,
        "OKDROP_OK__ACCESS_TOKEN": ACCESS_TOKEN,
        "OKDROP_WATCH": json.dumps([{"path": str(place / "drop"), "settle": "1s", "rescan": "5s"}]),
        "OKDROP_RETRY__FIRST_DELAY": "200ms",
        "OKDROP_LEDGER__URL": f"sqlite:///{place / 'ledger.db'}",
        "OKDROP_LOG__FORMAT": "json",
        "OKDROP_LOG__LEVEL": "debug",
        "OKDROP_WEB__LISTEN": "",
    }


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "okdrop", *arguments]
