"""The real process against the real emulator: files to drop, a daemon to start and kill, the verdict.

The verdict is the emulator's own account and the files themselves; what the daemon says of itself is only
looked at where that is what a test is about.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import json
import os
import random
import signal
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import okdrop
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_KEY, APPLICATION_SECRET_KEY, Emulator, Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

KB: Final = 1000
MB: Final = 1000 * KB
KIB: Final = 1024
MIB: Final = 1024 * KIB

POLL: Final = 0.005
"""Seconds between looks at what the emulator or the daemon has come to."""

IMPORTS: Final = str(Path(okdrop.__file__).parents[1])

Account: TypeAlias = dict[str, Any]
T = TypeVar("T")


async def until(condition: Callable[[], T], *, within: float = 60.0, every: float = POLL) -> T:
    """Wait for something to come about; fails after `within` seconds. What costs much is asked more seldom.

    Raises:
        TimeoutError: it did not.
    """
    deadline = time.monotonic() + within
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {within} s in vain")
        await asyncio.sleep(every)
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """A process that ended: its exit code and all it wrote."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of a JSON log."""
        return _events(self.err)

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]


def _events(text: str) -> list[dict[str, Any]]:
    whole_lines = text[: text.rfind("\n") + 1].splitlines()
    return [json.loads(line) for line in whole_lines if line.startswith("{")]


class Running:
    """A process that was started; its output goes to files, so that nothing waits for a reader."""

    def __init__(self, process: asyncio.subprocess.Process, out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err
        self._started = time.monotonic()

    def err(self) -> str:
        return self._err.read_text("utf-8", "surrogateescape")

    def told(self, name: str) -> list[dict[str, Any]]:
        """The events of this name so far; a line that is being written is none yet."""
        return [event for event in _events(self.err()) if event["event"] == name]

    async def tells(self, name: str, times: int = 1, *, within: float = 30.0) -> dict[str, Any]:
        """Wait until the log has an event so many times; returns the latest."""

        def looked() -> list[dict[str, Any]]:
            found = self.told(name)
            return found if len(found) >= times else []

        return (await until(looked, within=within))[-1]

    def count(self, name: str) -> int:
        return self.err().count(f'"{name}"')

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def end(self, *, within: float = 60.0) -> Ended:
        async with asyncio.timeout(within):
            code = await self.process.wait()
        seconds = time.monotonic() - self._started
        return Ended(code, self._out.read_text("utf-8", "surrogateescape"), self.err(), seconds)

    async def kill(self) -> Ended:
        """End it as a power cut does."""
        self.send(signal.SIGKILL)
        return await self.end()


def _next_output(place: Path) -> tuple[Path, Path]:
    number = len(list(place.glob("*.err")))
    return place / f"{number}.out", place / f"{number}.err"


@contextlib.asynccontextmanager
async def started(
    place: Path, environment: dict[str, str], *arguments: str | bytes, within: Sequence[str] = ()
) -> AsyncIterator[Running]:
    """`python -m okdrop …` as a process, which does not outlive the block; `within` is what executes it."""
    out, err = _next_output(place)
    with out.open("wb") as out_file, err.open("wb") as err_file:
        process = await asyncio.create_subprocess_exec(
            *within,
            sys.executable,
            "-m",
            "okdrop",
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out_file,
            stderr=err_file,
        )
    try:
        yield Running(process, out, err)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


class Daemon:
    """One installation: a folder to drop files into, a ledger, an environment; and its processes.

    Args:
        place: everything lies below it.
        api_url: where OK is played.
        settings: configuration, as `upload__segment_size="64KiB"`; a None takes a setting away.
    """

    def __init__(self, place: Path, api_url: str, **settings: str | None) -> None:
        self.place = place
        self.drop = place / "drop"
        self.drop.mkdir(parents=True)
        self.ledger = place / "ledger.db"
        self.within: tuple[str, ...] = ()  #: what executes the processes, where that is not we
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OKDROP_")}
        self.environment = inherited | {"PYTHONPATH": IMPORTS}
        self.watch()
        self.set(
            **{
                "ok__api_url": api_url,
                "ok__upload_hosts": '["127.0.0.1"]',
                "ok__application_key": APPLICATION_KEY,
                "ok__application_secret_key": APPLICATION_SECRET_KEY,
                "ok__access_token": ACCESS_TOKEN,
                "retry__first_delay": "20ms",
                "retry__max_delay": "200ms",
                "ledger__url": f"sqlite:///{self.ledger}",
                "web__listen": "",
                "log__level": "debug",
            }
            | settings
        )

    def set(self, **settings: str | None) -> None:
        """Change the configuration."""
        for name, value in settings.items():
            key = f"OKDROP_{name.upper()}"
            if value is None:
                self.environment.pop(key, None)
            else:
                self.environment[key] = value

    def watch(self, **folder: Any) -> None:
        """Watch the drop folder with these settings."""
        self.set(watch=json.dumps([{"path": str(self.drop), "settle": "0s"} | folder]))

    # --- files ----------------------------------------------------------------------------------------

    def file(self, name: str | bytes, size: int, *, seed: object = "") -> Path:
        """Drop a file of `size` seeded bytes; there from the first moment, as a rename makes it."""
        path = self.drop / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.place / "beside"
        beside.write_bytes(random.Random(f"{seed}:{path.name!r}:{size}").randbytes(size))
        beside.rename(path)
        return path

    def files(self, sizes: Iterable[int]) -> list[Path]:
        return [self.file(f"clip-{number}.mp4", size) for number, size in enumerate(sizes)]

    # --- processes ------------------------------------------------------------------------------------

    def started(self, *arguments: str | bytes) -> contextlib.AbstractAsyncContextManager[Running]:
        """Start a command; `run --once` if none is named."""
        return started(self.place, self.environment, *(arguments or ("run", "--once")), within=self.within)

    @contextlib.asynccontextmanager
    async def staying(self, *, watched: int = 1) -> AsyncIterator[Running]:
        """`okdrop run`, once it watches so many folders; it is asked to end with the block, and obeys."""
        async with self.started("run") as running:
            # More often where the way changes at once: a name that is not UTF-8 ends the kernel's events.
            await until(lambda: running.count("folder.watched") >= watched)
            yield running
            running.send(signal.SIGTERM)
            ended = await running.end()
        assert ended.code == 0, ended.text

    @contextlib.asynccontextmanager
    async def serving(self, listen: str = "127.0.0.1:0") -> AsyncIterator[tuple[Running, str]]:
        """The same, answering HTTP on a port of its own; gives the address, too."""
        self.set(web__listen=listen)
        async with self.staying() as running:
            yield running, (await running.tells("service.ready"))["web"]

    async def ends(self, *arguments: str | bytes, within: float = 60.0) -> Ended:
        """Start a command and see it to its end."""
        async with self.started(*arguments) as running:
            return await running.end(within=within)

    async def status(self) -> dict[str, Any]:
        ended = await self.ends("status", "--json")
        assert ended.code == 0, ended.text
        document: dict[str, Any] = json.loads(ended.out)
        return document

    async def states(self) -> dict[str, list[str]]:
        """File name → the states of its rows, oldest first."""
        found: dict[str, list[str]] = {}
        for row in sorted((await self.status())["uploads"], key=lambda row: row["id"]):
            found.setdefault(Path(row["path"]).name, []).append(row["state"])
        return found


# --- ways of dropping -----------------------------------------------------------------------------------

NO_WATCHES: Final = (
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    'echo 0 > /proc/sys/user/max_inotify_watches && exec "$0" "$@"',
)
"""Executes a command to which the kernel grants no watch of a folder; needs user namespaces."""

_RECORDER: Final = """
import sys, time
path, pieces, pause, mode = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
piece = sys.stdin.buffer.read()
size = len(piece) // pieces + 1
held = open(path, "ab", buffering=0) if mode == "holding" else None
for number in range(pieces):
    if number:
        time.sleep(pause)
    file = held or open(path, "ab", buffering=0)
    file.write(piece[number * size : (number + 1) * size])
    if held is None:
        file.close()
"""


async def record(path: Path, content: bytes, *, pieces: int, pause: float, mode: str) -> None:
    """Let another process write a file piece by piece.

    Args:
        path: the file.
        content: what it holds in the end.
        pieces: how many writes.
        pause: seconds between them.
        mode: "holding": the file is open all the time; "reopening": for each write.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RECORDER, path, str(pieces), str(pause), mode, stdin=asyncio.subprocess.PIPE
    )
    await process.communicate(content)
    assert process.returncode == 0


async def shell(*command: str | bytes | Path) -> None:
    """Run a command to its end."""
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


def seeded(size: int, seed: object) -> bytes:
    """Bytes that look like a video's: no two files share them."""
    return random.Random(repr(seed)).randbytes(size)


# --- the verdict --------------------------------------------------------------------------------------


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def published(accounts: Iterable[Account]) -> list[Account]:
    return [account for account in accounts if account["published"] and not account["deleted"]]


def assert_published_once(
    accounts: list[Account],
    files: Iterable[Path],
    *,
    resent: int = 0,
    others: int = 0,
    titles: bool = True,
) -> None:
    """Every file is one published video, byte for byte; at most `resent` held bytes were sent again to any.

    Args:
        accounts: what the emulator says of every video there ever was.
        files: what was dropped.
        resent: held bytes that may have been sent again to a video.
        others: further published videos that there are.
        titles: each is titled with its file's name as it is; not so where OK's limits reshape it.
    """
    visible = published(accounts)
    wanted = list(files)
    for path in wanted:
        digest = sha256(path)
        videos = [video for video in visible if video["sha256"] == digest]
        assert len(videos) == 1, f"{path.name}: published {len(videos)} times"
        assert not titles or videos[0]["title"] == path.stem
        assert videos[0]["size"] == path.stat().st_size
    assert len(visible) == len(wanted) + others
    wasted = {video["name"]: again for video in accounts if (again := video["held_bytes_resent"]) > resent}
    assert not wasted, f"held bytes sent again: {wasted}"


def assert_no_litter(accounts: Iterable[Account]) -> None:
    """What was not published was deleted on OK's side."""
    assert [
        account["name"] for account in accounts if not account["published"] and not account["deleted"]
    ] == []


def received(emulator: Emulator) -> int:
    """How many bytes have come in, kept or not."""
    count: int = emulator.summary()["received"]
    return count


@contextlib.asynccontextmanager
async def own_weather(emulator: Emulator, faults: Mapping[str, Iterable[str]]) -> AsyncIterator[None]:
    """Give the first ticket of each named file faults of its own, as soon as it is issued."""
    waiting = dict(faults)

    async def assign() -> None:
        while waiting:
            for video in emulator.videos():
                for fault in waiting.pop(video["name"], ()):
                    emulator.faults.add(Fault.parse(f"{fault},video={video['id']}"))
            await asyncio.sleep(POLL)

    task = asyncio.create_task(assign())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not waiting


# --- an emulator that can be killed -------------------------------------------------------------------


class EmulatorProcess:
    """The emulator as a process of its own, on one port and one data directory for all its lives."""

    def __init__(self, place: Path, *faults: str, mode: str = "parallel") -> None:
        self._place = place
        self._data = place / "ok"
        self._arguments = ("--mode", mode, *(part for fault in faults for part in ("--fault", fault)))
        self._port = "0"
        self.url = ""

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[Running]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OKDROP_")}
        self._place.mkdir(exist_ok=True)
        arguments = ("emulator", "--data", str(self._data), "--port", self._port, *self._arguments)
        async with started(self._place, environment | {"PYTHONPATH": IMPORTS}, *arguments) as running:
            line = await until(self._listening)
            self.url = line.split("listening on ", 1)[1].split(",", 1)[0]
            self._port = self.url.rpartition(":")[2]
            yield running

    def _listening(self) -> str:
        newest = max(self._place.glob("*.out"), key=lambda path: int(path.stem))
        text = newest.read_text()
        return text if text.endswith("\n") else ""

    async def ask(self, what: str) -> Any:
        """Its account of itself: `videos`, `summary`."""

        def fetch() -> Any:
            with urllib.request.urlopen(f"{self.url}/emulator/{what}") as answer:  # noqa: S310 - its own address
                return json.load(answer)

        return await asyncio.to_thread(fetch)
